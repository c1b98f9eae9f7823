package stream; class CommandLineTest { @org.junit.jupiter.api.Test void x() {} }
