package stream; class SimulatorTest { @org.junit.jupiter.api.Test void x() {} }
