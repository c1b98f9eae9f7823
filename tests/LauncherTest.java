package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.opentest4j.TestAbortedException;

/** The launcher, in a folder and a home of its own, with stand-ins for what it calls. */
@Execution(ExecutionMode.CONCURRENT)
class LauncherTest {

    @TempDir
    Path folder;

    private Path bin;

    /** What the launcher printed, both streams together, and its exit code. */
    private record Launched(int exitCode, String printed) { }

    @BeforeEach
    void copy() throws Exception {
        Files.copy(Path.of("jbang"), folder.resolve("jbang"));
        folder.resolve("jbang").toFile().setExecutable(true);
        bin = Files.createDirectories(folder.resolve("bin"));
        Files.createDirectories(folder.resolve("home"));
        for (var tool : List.of("bash", "sed", "dirname", "basename", "readlink", "mkdir", "mv", "rm", "cat", "grep", "touch", "echo")) {
            for (var place : System.getenv("PATH").split(File.pathSeparator)) {
                if (Files.isExecutable(Path.of(place, tool)) && !Files.exists(bin.resolve(tool))) {
                    tool(tool, "exec " + Path.of(place, tool) + " \"$@\"");
                }
            }
        }
    }

    private void tool(String name, String script) throws Exception {
        Files.writeString(bin.resolve(name), "#!/bin/sh\n" + script + "\n");
        bin.resolve(name).toFile().setExecutable(true);
    }

    /** A JDK as far as the launcher looks at one; its java prints what JBang would. */
    private Path jdk(String name, int version, String java) throws Exception {
        var home = folder.resolve(name);
        Files.createDirectories(home.resolve("bin"));
        Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + ".0.1\"\n");
        for (var program : Map.of("java", java, "javac", "exit 1").entrySet()) {
            Files.writeString(home.resolve("bin").resolve(program.getKey()), "#!/bin/sh\n" + program.getValue() + "\n");
            home.resolve("bin").resolve(program.getKey()).toFile().setExecutable(true);
        }
        return home;
    }

    private Launched launch(Map<String, String> more, String... args) throws Exception {
        var command = new java.util.ArrayList<>(List.of(folder.resolve("jbang").toString()));
        command.addAll(List.of(args));
        var builder = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
        var environment = new HashMap<>(Map.of("PATH", bin.toString(), "HOME", folder.resolve("home").toString()));
        environment.putAll(more);
        builder.environment().clear();
        builder.environment().putAll(environment);
        var process = builder.start();
        var printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        return new Launched(process.exitValue(), printed);
    }

    /** Maven that puts a file where the launcher asks for it. */
    private static final String GOOD_MAVEN = """
            for arg; do case $arg in -DoutputDirectory=*) touch "${arg#*=}/jbang-cli-0.132.1-all.jar" ;; esac; done
            echo called >>"$HOME/../maven-calls\"""";

    @Test
    void anInstalledJbangIsUsedAsItIs() throws Exception {
        tool("jbang", "echo installed \"$@\"");
        assertEquals(new Launched(0, "installed Stream.java a b\n"), launch(Map.of(), "Stream.java", "a b"));
    }

    @Test
    void jbangIsFetchedOnceAndTheCommandItPrintsIsRun() throws Exception {
        tool("mvn", GOOD_MAVEN);
        var home = jdk("jdk", 25, "echo \"echo 'it ran' in $(basename \"$JAVA_HOME\")\"; exit 255");
        assertEquals(new Launched(0, "jbang: fetching JBang 0.132.1, once\nit ran in jdk\n"),
                launch(Map.of("JAVA_HOME", home.toString()), "Stream.java"));
        assertEquals(new Launched(0, "it ran in jdk\n"), launch(Map.of("JAVA_HOME", home.toString()), "Stream.java"));
        assertEquals("called\n", Files.readString(folder.resolve("maven-calls")));
    }

    @Test
    void anyOtherExitCodeOfJbangIsPassedOnWithItsOutput() throws Exception {
        tool("mvn", GOOD_MAVEN);
        var home = jdk("jdk", 25, "echo 'no such script'; exit 2");
        var launched = launch(Map.of("JAVA_HOME", home.toString()), "Nothing.java");
        assertEquals(2, launched.exitCode());
        assertTrue(launched.printed().endsWith("no such script\n"), launched.printed());
    }

    @Test
    void aJavaThatIsTooOldIsPassedOverForANewerOne() throws Exception {
        tool("mvn", GOOD_MAVEN);
        var old = jdk("old", 17, "echo 'the old one'; exit 1");
        Files.createDirectories(folder.resolve("home/.jdks"));
        Files.move(jdk("new", 26, "echo \"echo $JAVA_HOME\"; exit 255"), folder.resolve("home/.jdks/new"));
        var launched = launch(Map.of("JAVA_HOME", old.toString()), "Stream.java");
        assertTrue(launched.printed().endsWith("home/.jdks/new\n") || launched.printed().contains("/usr/lib/jvm/")
                || launched.printed().contains("JavaVirtualMachines"), launched.printed());
        assertFalse(launched.printed().contains("the old one"));
    }

    @Test
    void whenMavenFailsThereIsOneLineAndNoHalfFile() throws Exception {
        tool("mvn", "for arg; do case $arg in -DoutputDirectory=*) touch \"${arg#*=}/half\" ;; esac; done; exit 1");
        var home = jdk("jdk", 25, "exit 1");
        var launched = launch(Map.of("JAVA_HOME", home.toString()), "Stream.java");
        assertEquals(new Launched(1, "jbang: fetching JBang 0.132.1, once\njbang: Maven could not fetch JBang 0.132.1; check the"
                + " network, or install JBang: https://www.jbang.dev/download\n"), launched);
        assertEquals(List.of(), List.of(folder.resolve(".jbang-cache").toFile().list()));
    }

    @Test
    void anInterruptedDownloadLeavesNothingHalfDone() throws Exception {
        tool("mvn", "for arg; do case $arg in -DoutputDirectory=*) touch \"${arg#*=}/half\" ;; esac; done; kill -TERM $PPID; exit 0");
        var home = jdk("jdk", 25, "exit 1");
        var launched = launch(Map.of("JAVA_HOME", home.toString()), "Stream.java");
        assertEquals(1, launched.exitCode());
        assertTrue(launched.printed().endsWith("jbang: interrupted, nothing was kept; run it again\n"), launched.printed());
        assertEquals(List.of(), List.of(folder.resolve(".jbang-cache").toFile().list()));
    }

    @Test
    void withoutMavenAndNetworkThereIsOneLine() throws Exception {
        var home = jdk("jdk", 25, "exit 1");
        tool("curl", "exit 6");
        assertEquals(new Launched(1, "jbang: JBang cannot be fetched, neither with Maven nor from the network; install it:"
                + " https://www.jbang.dev/download\n"), launch(Map.of("JAVA_HOME", home.toString()), "Stream.java"));
    }

    @Test
    void withoutMavenJbangsOwnInstallerIsUsed() throws Exception {
        var home = jdk("jdk", 25, "exit 1");
        tool("curl", "echo 'mkdir -p \"$HOME/.jbang/bin\"; printf \"#!/bin/sh\\necho own \\\"\\$@\\\"\\n\" >\"$HOME/.jbang/bin/jbang\";"
                + " /bin/chmod +x \"$HOME/.jbang/bin/jbang\"'");
        assertEquals(new Launched(0, "own Stream.java\n"), launch(Map.of("JAVA_HOME", home.toString()), "Stream.java"));
    }

    @Test
    void anEmptyArgumentIsRefusedSinceJbangLosesIt() throws Exception {
        tool("jbang", "echo \"$@\"");
        assertEquals(new Launched(2, "jbang: an empty argument ('') cannot be passed on; leave it out, or write the missing"
                + " text\n"), launch(Map.of(), "Stream.java", "-p", ""));
    }

    @Test
    void aClosedInputIsAnEmptyOneAndTheLocaleHasAllLetters() throws Exception {
        tool("jbang", "cat; echo \"$LC_ALL\"");
        tool("closed", "exec \"$1\" <&-");
        var process = new ProcessBuilder(bin.resolve("closed").toString(), folder.resolve("jbang").toString());
        process.environment().clear();
        process.environment().putAll(Map.of("PATH", bin.toString(), "HOME", folder.toString(), "LC_ALL", "C"));
        var printed = process.redirectErrorStream(true).start().getInputStream().readAllBytes();
        assertEquals("C.UTF-8\n", new String(printed, StandardCharsets.UTF_8));
    }

    /** As in a container whose file system is read-only: JBang runs what was built before. */
    @Test
    void aCacheThatCannotBeWrittenIsNotLocked() throws Exception {
        tool("flock", "exit 0");
        Files.createDirectories(folder.resolve("cache/build.lock")); // not a file that can be written
        jdk("home/.jdks/25", 25, "echo 'echo it runs'; exit 255");
        Files.createDirectories(folder.resolve(".jbang-cache"));
        Files.writeString(folder.resolve(".jbang-cache/jbang-cli-0.132.1-all.jar"), "");
        var launched = launch(Map.of("JBANG_CACHE_DIR", folder.resolve("cache").toString()), "Stream.java");
        assertEquals("0 it runs\n", launched.exitCode() + " " + launched.printed());
    }

    @Test
    void twoThatBuildAtTheSameTimeWaitForEachOther() throws Exception {
        tool("mvn", GOOD_MAVEN);
        tool("flock", "exec " + which("flock") + " \"$@\"");
        tool("sleep", "exec " + which("sleep") + " \"$@\"");
        // JBang's part: fails if another one is in the middle of it
        var home = jdk("jdk", 25, "mkdir \"$HOME/building\" || exit 3; sleep 0.3; rm -rf \"$HOME/building\"; echo 'echo ran'; exit 255");
        launch(Map.of("JAVA_HOME", home.toString()), "Stream.java");
        try (var pool = Executors.newFixedThreadPool(4)) {
            var starts = pool.invokeAll(Collections.nCopies(4, () -> launch(Map.of("JAVA_HOME", home.toString()), "Stream.java")));
            for (var start : starts) {
                assertEquals(new Launched(0, "ran\n"), start.get());
            }
        }
    }

    private static String which(String tool) {
        return Arrays.stream(System.getenv("PATH").split(File.pathSeparator)).map(place -> Path.of(place, tool))
                .filter(Files::isExecutable).findFirst().orElseThrow(() -> new TestAbortedException("no " + tool)).toString();
    }
}
