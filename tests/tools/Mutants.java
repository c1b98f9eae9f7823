///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Puts one defect after the other into the code, and checks that a test notices each
//JAVA 25+
//SOURCES ../AllTests.java

// Mutants: the strength of the tests, as a test. Each entry of tests/tools/mutants.txt is a defect and the test that must fail
// because of it:
//
//   Exchange.run FramingTest#anAbortEndsAStreamThatIsSilent
//   - text of a line that is there once
//   + what stands there instead
//
// The place is TYPE.MEMBER, a constructor being Exchange.Exchange, or the name of a file that is not Java. Several lines with - are
// lines that follow each other; where there are fewer with +, the rest is taken out. An entry that no longer applies, or does not
// compile, is an error: mend it when you change the line.
//
// To run just:
//   jbang tests/tools/Mutants.java                    all; within a quarter of an hour, also on one processor
//   jbang tests/tools/Mutants.java Exchange jbang     those whose places contain one of these
//
// Only the changed file is compiled again, so a constant that is known to the compiler cannot be changed here.

package stream.tools;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

import javax.tools.ToolProvider;

import org.apache.commons.io.FileUtils;

/** Runs the mutants, several at a time. */
public class Mutants {

    private static final long MOST_SECONDS = 150; // a test has a limit of 60 seconds
    private static final long MOST_SECONDS_OF_ALL = 1_200;

    /** What became of a mutant; anything but the first is an error. */
    private enum Ending { NOTICED, NOT_NOTICED, NOT_APPLICABLE, NOT_COMPILED, NOT_ENDED }

    private static final Pattern FAILED = Pattern.compile("(?m)^FAILED +\\d+ ms +(\\S+) (\\S+)");

    /** A copy of the project in which one mutant after the other is put and tested. */
    private static final class Workplace {

        private final Path project;
        private final Path classes;
        private final SourceMembers members;

        Workplace(Path parent, int number) throws IOException {
            project = Files.createDirectory(parent.resolve("project" + number));
            classes = Files.createDirectory(parent.resolve("classes" + number));
            try (var files = Files.list(Path.of("."))) {
                for (var file : files.filter(file -> !List.of(".git", "results", ".jbang-cache")
                        .contains(file.getFileName().toString())).toList()) {
                    if (Files.isDirectory(file)) {
                        FileUtils.copyDirectory(file.toFile(), project.resolve(file).toFile());
                    } else {
                        Files.copy(file, project.resolve(file));
                        project.resolve(file).toFile().setExecutable(Files.isExecutable(file));
                    }
                }
            }
            Files.createDirectory(project.resolve("results"));
            members = new SourceMembers(project);
        }

        Ending run(Mutant mutant) throws IOException, InterruptedException {
            var changed = mutant.applied(members);
            if (changed == null) {
                return Ending.NOT_APPLICABLE;
            }
            var file = changed.file();
            var text = Files.readString(file);
            FileUtils.cleanDirectory(classes.toFile());
            try {
                Files.writeString(file, changed.text());
                if (file.toString().endsWith(".java")) {
                    if (!compiles(file)) {
                        return Ending.NOT_COMPILED;
                    }
                } else if (mutant.place().startsWith("src/")) {
                    var resource = classes.resolve(Path.of("src").relativize(Path.of(mutant.place())));
                    Files.createDirectories(resource.getParent());
                    Files.writeString(resource, changed.text());
                }
                return test(MOST_SECONDS, mutant.test());
            } finally {
                Files.writeString(file, text);
            }
        }

        private boolean compiles(Path file) throws IOException {
            var compiler = ToolProvider.getSystemJavaCompiler();
            try (var manager = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
                return compiler.getTask(new StringWriter(), manager, null,
                        List.of("-proc:none", "-implicit:none", "-sourcepath", "",
                        "-nowarn", "-XDignore.symbol.file", "-d", classes.toString(), "-cp",
                        System.getProperty("java.class.path")), null,
                        manager.getJavaFileObjects(file)).call();
            }
        }

        Ending test(long mostSeconds, String... tests) throws IOException, InterruptedException {
            var command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
            command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
            command.addAll(List.of("-cp", classes + File.pathSeparator + System.getProperty("java.class.path"), "stream.AllTests"));
            command.addAll(List.of(tests));
            var log = project.resolveSibling(project.getFileName() + ".log");
            var process = new ProcessBuilder(command).directory(project.toFile()).redirectErrorStream(true)
                    .redirectOutput(log.toFile()).start();
            if (!process.waitFor(mostSeconds, TimeUnit.SECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly().waitFor();
                return Ending.NOT_ENDED;
            }
            if (process.exitValue() == 0) {
                return Ending.NOT_NOTICED;
            }
            var failed = FAILED.matcher(Files.readString(log));
            return failed.find() ? Ending.NOTICED : Ending.NOT_ENDED;
        }
    }

    public static void main(String... names) throws Exception {
        var mutants = new ConcurrentLinkedQueue<>(Mutant.readAll().stream()
                .filter(mutant -> names.length == 0 || Arrays.stream(names).anyMatch(mutant.place()::contains)).toList());
        var folder = Files.createTempDirectory("mutants");
        try {
            var endings = run(mutants, folder);
            var noticed = endings.getOrDefault(Ending.NOTICED, 0);
            var all = endings.values().stream().mapToInt(Integer::intValue).sum();
            System.out.printf("%d of %d noticed%n", noticed, all);
            System.exit(noticed == all && all > 0 ? 0 : 1);
        } finally {
            FileUtils.deleteDirectory(folder.toFile());
        }
    }

    /** Runs them in as many workplaces as there are processors; returns how often each ending was. */
    private static Map<Ending, Integer> run(Queue<Mutant> mutants, Path folder) throws Exception {
        var tests = mutants.stream().map(Mutant::test).distinct().toArray(String[]::new);
        var endings = new TreeMap<Ending, Integer>();
        var without = new Workplace(folder, 0).test(MOST_SECONDS_OF_ALL, tests);
        if (without != Ending.NOT_NOTICED) {
            System.err.println("mutants: without a defect the tests " + (without == Ending.NOTICED ? "fail" : "do not end"));
            return Map.of(without, 1);
        }
        try (var workers = Executors.newThreadPerTaskExecutor(Thread.ofPlatform().factory())) {
            for (int number = 1; number <= Runtime.getRuntime().availableProcessors(); number++) {
                var workplace = new Workplace(folder, number);
                workers.submit(() -> {
                    for (Mutant mutant; (mutant = mutants.poll()) != null; ) {
                        var ending = workplace.run(mutant);
                        synchronized (endings) {
                            endings.merge(ending, 1, Integer::sum);
                            System.out.printf("%-14s %s%n", ending.name().toLowerCase(Locale.ROOT).replace('_', ' '), mutant);
                        }
                    }
                    return null;
                });
            }
        }
        return endings;
    }
}
