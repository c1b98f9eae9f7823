///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Coverage-guided fuzzing of the event decoder and of the prompt formats
//JAVA 25+
//DEPS com.code-intelligence:jazzer:0.26.0
//SOURCES ../../Stream.java
//SOURCES ../fixtures/DecodedStream.java
//SOURCES ../fixtures/StreamCase.java
//RUNTIME_OPTIONS -XX:+EnableDynamicAgentLoading

// Fuzz: lets Jazzer look for inputs that throw, hang, or mean something else the second time.
//
// To run just:
//   jbang tests/tools/Fuzz.java Events 600      ten minutes on the decoder of events
//   jbang tests/tools/Fuzz.java Prompts 600     the same on all prompt formats
//
// What it finds it writes to crash-* and repeats on the screen; it belongs into StreamDecoderTest, DialectsTest or PromptsTest.
// FuzzTest is the short run: seeded, without a guide, in every run of the tests.

package stream.tools;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.code_intelligence.jazzer.Jazzer;
import okio.Buffer;
import stream.api.Dialect;
import stream.api.EventFields;
import stream.api.StreamDecoder;
import stream.fixtures.DecodedStream;
import stream.fixtures.StreamCase;
import stream.prompt.PromptSet;

/** Starts Jazzer on one of the targets below. */
public class Fuzz {

    public static void main(String... args) throws Exception {
        if (args.length != 2 || !List.of("Events", "Prompts").contains(args[0])) {
            System.err.println("fuzz: give Events or Prompts, and for how many seconds");
            System.exit(2);
        }
        Jazzer.main(new String[] {"--target_class=stream.tools.Fuzz$" + args[0],
                "--instrumentation_includes=stream.**:okhttp3.sse.**",
            "-max_total_time=" + args[1], seeds(args[0]).toString()});
    }

    /** Returns a folder with inputs to begin with: the streams of the tests, each after the byte that chooses its API. */
    private static Path seeds(String target) throws IOException {
        var folder = Files.createTempDirectory("fuzz");
        var cases = target.equals("Events") ? StreamCase.all() : List.<StreamCase>of();
        for (int i = 0; i < cases.size(); i++) {
            var api = Dialect.ALL.indexOf(Dialect.of(cases.get(i).api()));
            Files.writeString(folder.resolve(String.valueOf(i)), (char) api + cases.get(i).body());
        }
        return folder;
    }

    /** The first byte chooses the API. The decoder ends, throws nothing, and says of each event what it would say of it alone. */
    public static final class Events {
        public static void fuzzerTestOneInput(byte[] bytes) {
            if (bytes.length == 0) {
                return;
            }
            var dialect = Dialect.ALL.get(Math.floorMod(bytes[0], Dialect.ALL.size()));
            var decoder = new StreamDecoder(dialect);
            DecodedStream.read(new Buffer().write(bytes, 1, bytes.length - 1), EventFields.LINES, (type, data) -> {
                if (!decoder.decode(type, data).equals(new StreamDecoder(dialect).decode(type, data))) {
                    throw new IllegalStateException("means something else after other events: " + data);
                }
            });
        }
    }

    /** The first byte chooses the format; whatever follows is read, or refused with one line that names the file. */
    public static final class Prompts {

        private static final List<String> ENDINGS = List.of("txt", "md", "jsonl", "json", "csv", "chatml");

        public static void fuzzerTestOneInput(byte[] bytes) throws IOException {
            if (bytes.length == 0) {
                return;
            }
            var file = Path.of(System.getProperty("java.io.tmpdir"),
                    "fuzz." + ENDINGS.get(Math.floorMod(bytes[0], ENDINGS.size())));
            Files.write(file, java.util.Arrays.copyOfRange(bytes, 1, bytes.length));
            var set = PromptSet.read(List.of(file.toString()), InputStream.nullInputStream(), List.of(), false);
            for (var problem : set.problems()) {
                if (problem.lines().count() != 1 || !problem.contains(file.toString())) {
                    throw new AssertionError("not one line that names the file: " + problem);
                }
            }
            if (set.prompts().isEmpty() && set.problems().isEmpty()) {
                throw new AssertionError("neither read nor refused");
            }
        }
    }
}
