package stream; class LauncherTest { @org.junit.jupiter.api.Test void x() {} }
