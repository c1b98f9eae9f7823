package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;

import javax.tools.ToolProvider;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.opentest4j.TestAbortedException;
import stream.fixtures.TestOrder;

/** The launcher, in a folder and a home of its own, with stand-ins for what it calls. */
@Execution(ExecutionMode.CONCURRENT)
@Order(TestOrder.FIRST)
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
        for (var tool : List.of("bash", "sed", "dirname", "basename", "readlink", "mkdir", "mv", "rm", "cat",
                "grep", "touch", "echo")) {
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

    /** JBang keeps an archive of classes beside a jar, which no longer fits once the jar is built again elsewhere. */
    @Test
    void anArchiveOfClassesThatDoesNotFitIsIgnoredQuietly() throws Exception {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var source = Files.writeString(folder.resolve("Hi.java"),
                "class Hi { public static void main(String[] a) { System.out.print(\"hi\"); } }");
        for (var classes : List.of("one", "other")) {
            assertEquals(0, ToolProvider.getSystemJavaCompiler()
                    .run(null, null, null, "-d", folder.resolve(classes).toString(), source.toString()));
            try (var jar = new JarOutputStream(Files.newOutputStream(folder.resolve(classes + ".jar")))) {
                jar.putNextEntry(new ZipEntry("Hi.class"));
                Files.copy(folder.resolve(classes).resolve("Hi.class"), jar);
            }
        }
        var archive = folder.resolve("hi.jsa").toString();
        assertEquals(0, quiet(java, "-XX:ArchiveClassesAtExit=" + archive, "-cp", folder.resolve("one.jar").toString(), "Hi")
                .start().waitFor());
        for (var command : List.of("Stream.java", "Live.java")) {
            var words = new ArrayList<>(List.of(java, "-XX:SharedArchiveFile=" + archive));
            words.addAll(List.of(Files.readString(Path.of(command))
                    .replaceFirst("(?s).*//RUNTIME_OPTIONS ([^\n]+).*", "$1").split(" ")));
            words.addAll(List.of("-cp", folder.resolve("other.jar").toString(), "Hi"));
            var process = quiet(words.toArray(String[]::new)).redirectErrorStream(true).start();
            assertEquals("hi", new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8), command);
        }
    }

    /** A JVM that prints nothing of its own: it says what it takes from the variable. */
    private static ProcessBuilder quiet(String... command) {
        var builder = new ProcessBuilder(command);
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        return builder;
    }

    private Launched launch(Map<String, String> more, String... args) throws Exception {
        var command = new ArrayList<>(List.of(folder.resolve("jbang").toString()));
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

    /** The folder of the project, or a link to the launcher, is in the path of whoever uses it often. */
    @Test
    void theLauncherInThePathIsNotTakenForAnInstalledJbang() throws Exception {
        tool("mvn", GOOD_MAVEN);
        Files.createSymbolicLink(bin.resolve("jbang"), folder.resolve("jbang"));
        var home = jdk("jdk", 25, "echo \"echo it ran\"; exit 255");
        assertEquals(new Launched(0, "jbang: fetching JBang 0.132.1, once\nit ran\n"),
                launch(Map.of("JAVA_HOME", home.toString()), "Stream.java"));
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
        tool("mvn", "for arg; do case $arg in -DoutputDirectory=*) touch \"${arg#*=}/half\" ;; esac; done; kill -TERM $PPID; "
                + "exit 0");
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
        tool("curl", "echo 'mkdir -p \"$HOME/.jbang/bin\"; printf \"#!/bin/sh\\necho own \\\"\\$@\\\"\\n\" "
                + ">\"$HOME/.jbang/bin/jbang\";"
                + " /bin/chmod +x \"$HOME/.jbang/bin/jbang\"'");
        assertEquals(new Launched(0, "own Stream.java\n"), launch(Map.of("JAVA_HOME", home.toString()), "Stream.java"));
        tool("curl", "exit 1");
        assertEquals(new Launched(0, "own Stream.java\n"),
                launch(Map.of("JAVA_HOME", home.toString()), "Stream.java"), "fetched once");
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

    /** A project with one script; its JDK counts the calls of JBang, and prints the arguments that a script gets. */
    private Map<String, String> project() throws Exception {
        Files.writeString(folder.resolve("Stream.java"), "// a script");
        Files.createDirectories(folder.resolve("src/stream/room"));
        Files.createDirectories(folder.resolve("tests/room"));
        Files.writeString(folder.resolve("src/stream/room/Part.java"), "// a part");
        Files.writeString(folder.resolve("x.jar"), "");
        Files.createDirectories(folder.resolve(".jbang-cache"));
        Files.writeString(folder.resolve(".jbang-cache/jbang-cli-0.132.1-all.jar"), "");
        for (var tool : List.of("ls", "touch")) {
            tool(tool, "exec /bin/" + tool + " \"$@\"");
        }
        var java = folder.resolve("jdk/bin/java");
        var home = jdk("jdk", 25, """
                case "$*" in
                    *-jar*) echo called >>%1$s/calls; for word; do last=$word; done; echo "%2$s -classpath %1$s/x.jar stream.Stream $last"; exit 255 ;;
                    *) printf '[%%s]' "$@" ;;
                esac""".formatted(folder, java));
        return Map.of("JAVA_HOME", home.toString());
    }

    private int calls() throws Exception {
        return Files.readAllLines(folder.resolve("calls")).size();
    }

    private static void setTime(Path file, int secondsAgo) throws Exception {
        Files.setLastModifiedTime(file, java.nio.file.attribute.FileTime.from(java.time.Instant.now().minusSeconds(secondsAgo)));
    }

    @Test
    void jbangIsAskedOnceWhileNothingHasChangedAndArgumentsGoAlongAsTheyAre() throws Exception {
        var environment = project();
        for (int i = 0; i < 3; i++) {
            var launched = launch(environment, "Stream.java", "it's", "$HOME `x` \"y\"", "a\nb", "*");
            assertEquals("[-classpath][" + folder + "/x.jar][stream.Stream][it's][$HOME `x` \"y\"][a\nb][*]", launched.printed());
        }
        assertEquals(1, calls());
        launch(environment, "build", "Stream.java");
        launch(environment, "--verbose", "Stream.java");
        assertEquals(3, calls(), "options of JBang go to JBang");
    }

    /** Each change is one that a kept command does not survive. */
    @Test
    void inAnyDoubtJbangIsAskedAgain() throws Exception {
        var environment = project();
        for (var file : List.of("Stream.java", "src/stream/room/Part.java", "jbang")) {
            setTime(folder.resolve(file), 100);
        }
        launch(environment, "Stream.java");
        var calls = calls();
        var changes = new java.util.LinkedHashMap<String, String>();
        changes.put("content and time", "echo more >>src/stream/room/Part.java");
        changes.put("content, with an old time",
                "echo other >src/stream/room/Part.java; touch -d '2 hours ago' src/stream/room/Part.java");
        changes.put("content and time of another part", "echo 1 >src/stream/room/Same.java");
        changes.put("content of the same size, in the same minute", "echo 2 >src/stream/room/Same.java");
        changes.put("a new part", "echo new >src/stream/room/New.java; touch -d '2 hours ago' src/stream/room/New.java");
        changes.put("a part that is gone", "rm src/stream/room/New.java");
        changes.put("another test", "echo t >tests/room/T.java; touch -d '2 hours ago' tests/room/T.java");
        changes.put("the launcher", "echo '# more' >>jbang");
        changes.put("the JDK", "touch -d '3 hours ago' jdk/release");
        changes.put("settings of JBang", "echo x >jbang.properties; touch -d '2 hours ago' jbang.properties");
        changes.put("a damaged file", "echo damaged >.jbang-cache/commands/Stream.java");
        for (var change : changes.entrySet()) {
            assertEquals(0, new ProcessBuilder("sh", "-c", change.getValue()).directory(folder.toFile()).start()
                    .waitFor(), change.getKey());
            assertEquals("[-classpath][" + folder + "/x.jar][stream.Stream][x]",
                    launch(environment, "Stream.java", "x").printed(), change.getKey());
            assertEquals(++calls, calls(), change.getKey());
            launch(environment, "Stream.java", "x");
            assertEquals(calls, calls(), "kept again after " + change.getKey());
        }
        var other = new HashMap<>(environment);
        other.put("JBANG_DIR", folder.resolve("elsewhere").toString());
        launch(other, "Stream.java");
        assertEquals(++calls, calls(), "another folder of JBang");
        Files.delete(folder.resolve("x.jar"));
        launch(other, "Stream.java");
        launch(other, "Stream.java");
        assertEquals(calls + 2, calls(), "without a library nothing is kept");
    }

    /** The archive of classes is made by a run that uses many, and kept commands name one that is there. */
    @Test
    void aCallThatOnlyPrintsSomethingMakesNoArchive() throws Exception {
        var environment = project();
        var java = folder.resolve("jdk/bin/java");
        Files.writeString(java, Files.readString(java)
                .replace(" -classpath", " -XX:ArchiveClassesAtExit=/a/x.jsa -XX:+UseSerialGC -classpath"));
        assertEquals("[-XX:+UseSerialGC][-classpath][" + folder + "/x.jar][stream.Stream][--version]",
                launch(environment, "Stream.java", "--version").printed());
        assertEquals("[-XX:ArchiveClassesAtExit=/a/x.jsa][-XX:+UseSerialGC][-classpath][" + folder
                + "/x.jar][stream.Stream][-p][Hi]",
                launch(environment, "Stream.java", "-p", "Hi").printed());
        assertEquals(2, calls(), "such a command is not kept");
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
        var home = jdk("jdk", 25, "mkdir \"$HOME/building\" || exit 3; sleep 0.3; rm -rf \"$HOME/building\"; echo 'echo ran'; "
                + "exit 255");
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
