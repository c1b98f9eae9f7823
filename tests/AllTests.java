///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Run all tests
//JAVA 25+
//DEPS org.junit.jupiter:junit-jupiter:5.14.4
//DEPS org.junit.platform:junit-platform-launcher:1.14.4
//DEPS com.squareup.okhttp3:mockwebserver3:5.5.1
//DEPS com.squareup.okhttp3:okhttp-tls:5.5.1
//DEPS org.openjdk.jmh:jmh-core:1.37
//DEPS org.seleniumhq.selenium:selenium-chrome-driver:4.52.0
//DEPS org.seleniumhq.selenium:selenium-support:4.52.0
//SOURCES ../Stream.java
//SOURCES ../Compare.java
//SOURCES ../Live.java
//SOURCES ../Simulator.java
//SOURCES ../src/stream/bench/LargeRunFiles.java
//SOURCES ../src/stream/bench/VerdictTable.java
//SOURCES terminal/*.java
//SOURCES prompt/*.java
//SOURCES api/*.java
//SOURCES metric/*.java
//SOURCES client/*.java
//SOURCES plan/*.java
//SOURCES record/*.java
//SOURCES simulator/*.java
//SOURCES run/*.java
//SOURCES compare/*.java
//SOURCES report/*.java
//SOURCES live/*.java
//SOURCES bench/*.java
//SOURCES commands/*.java
//SOURCES fixtures/*.java
//SOURCES tools/Mutant.java
//SOURCES tools/SourceMembers.java
//SOURCES tools/SourceUses.java

// Runs the tests: all of them, or those named.
//
// To run just:
//   jbang tests/AllTests.java
//   jbang tests/AllTests.java DialectsTest                            one class
//   jbang tests/AllTests.java DialectsTest#aCutStreamIsTruncated      one test
//   STREAM_ORDER=7 jbang tests/AllTests.java                          all in a random order, the same for the same number

package stream;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

import org.junit.jupiter.api.ClassOrderer;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.platform.commons.support.ReflectionSupport;
import org.junit.platform.engine.DiscoverySelector;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/** Runs the tests, prints a line each, and ends with how many passed and failed. */
public class AllTests {

    /** All test classes of the project: those whose names end so, in whatever room. */
    private static final List<Class<?>> CLASSES = ReflectionSupport.findAllClassesInPackage("stream", type -> true,
            name -> name.endsWith("Test"));

    public static void main(String... args) {
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        var selectors = new ArrayList<DiscoverySelector>();
        for (var name : args) {
            selectors.addAll(selectors(name));
        }
        if (args.length == 0) {
            CLASSES.forEach(tests -> selectors.add(DiscoverySelectors.selectClass(tests)));
        }
        var counts = new Counts(out);
        var request = LauncherDiscoveryRequestBuilder.request().selectors(selectors)
                .configurationParameter("junit.jupiter.execution.timeout.default", "60 s")
                // whatever a test waits for
                .configurationParameter("junit.jupiter.execution.timeout.thread.mode.default", "SEPARATE_THREAD")
                .configurationParameter("junit.jupiter.testclass.order.default", ClassOrderer.OrderAnnotation.class.getName())
                .configurationParameter("junit.jupiter.execution.parallel.enabled", "true"); // where a test allows it
        var seed = System.getenv("STREAM_ORDER");
        if (seed != null) {
            request.configurationParameter("junit.jupiter.testclass.order.default", ClassOrderer.Random.class.getName())
                    .configurationParameter("junit.jupiter.testmethod.order.default", MethodOrderer.Random.class.getName())
                    .configurationParameter(MethodOrderer.Random.RANDOM_SEED_PROPERTY_NAME, seed);
        }
        LauncherFactory.create().execute(request.build(), counts);
        out.println("seconds by class: " + counts.secondsByClass());
        out.printf("%d passed, %d failed%s%n", counts.passed, counts.failed,
                counts.skipped == 0 ? "" : ", " + counts.skipped + " skipped");
        System.exit(counts.failed > 0 || counts.passed == 0 ? 1 : 0);
    }

    /** Returns the test class of this simple name; null if there is none. */
    public static Class<?> named(String name) {
        return CLASSES.stream().filter(tests -> tests.getSimpleName().equals(name)).findAny().orElse(null);
    }

    /** Returns the class of this name, or its methods of the name after a #, whatever their parameters are. */
    private static List<? extends DiscoverySelector> selectors(String name) {
        var parts = name.split("#", 2);
        var tests = named(parts[0]);
        if (tests == null) {
            return List.of(DiscoverySelectors.selectClass(name)); // JUnit reports it
        }
        return parts.length == 1 ? List.of(DiscoverySelectors.selectClass(tests))
                : Arrays.stream(tests.getDeclaredMethods()).filter(method -> method.getName().equals(parts[1]))
                        .map(method -> DiscoverySelectors.selectMethod(tests, method)).toList();
    }

    private static final class Counts implements TestExecutionListener {
        private final PrintStream out;
        private int passed;
        private int failed;
        private int skipped;
        private final Map<String, Long> nanosByClass = new HashMap<>();
        private final Map<String, Long> startNanos = new HashMap<>(); // by the id of the test; several run at once

        Counts(PrintStream out) {
            this.out = out;
        }

        @Override
        public synchronized void executionStarted(TestIdentifier test) {
            startNanos.put(test.getUniqueId(), System.nanoTime());
        }

        @Override
        public synchronized void executionSkipped(TestIdentifier test, String reason) {
            skipped++;
            out.println("skipped " + test.getDisplayName() + ": " + reason);
        }

        @Override
        public synchronized void executionFinished(TestIdentifier test, TestExecutionResult result) {
            if (result.getStatus() == TestExecutionResult.Status.ABORTED) {
                executionSkipped(test, result.getThrowable().map(Throwable::getMessage).orElse("an assumption does not hold"));
                return;
            }
            var broken = result.getStatus() == TestExecutionResult.Status.FAILED;
            if (test.isTest() || broken) {
                var nanos = System.nanoTime() - startNanos.get(test.getUniqueId());
                nanosByClass.merge(name(test).replaceFirst(" .*", ""), nanos, Long::sum);
                out.printf("%-6s %5d ms  %s%n", broken ? "FAILED" : "ok", nanos / 1_000_000, name(test));
                result.getThrowable().ifPresent(failure -> failure.printStackTrace(out));
                passed += broken ? 0 : 1;
                failed += broken ? 1 : 0;
            }
        }

        /** Returns how long the tests of each class took, the slowest class first. */
        synchronized String secondsByClass() {
            return nanosByClass.entrySet().stream().sorted(Map.Entry.<String, Long>comparingByValue().reversed())
                    .map(tests -> "%s %.1f".formatted(tests.getKey(), tests.getValue() / 1e9)).collect(Collectors.joining(", "));
        }

        private static String name(TestIdentifier test) {
            var id = test.getUniqueIdObject().getSegments();
            return id.stream().skip(1).map(segment -> segment.getValue().replaceFirst("^stream\\.(\\w+\\.)?", ""))
                    .reduce((a, b) -> a + " " + b).orElse(test.getDisplayName()).replaceAll("\\(.*?\\)", "")
                    + (test.getDisplayName().startsWith("[") ? " " + test.getDisplayName().lines().findFirst().get() : "");
        }
    }
}
