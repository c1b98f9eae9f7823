package stream; class ResultsTest { @org.junit.jupiter.api.Test void x() {} }
