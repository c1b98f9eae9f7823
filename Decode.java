///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Reads a captured stream and says what each event means
//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okhttp3:okhttp-sse:5.5.1
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/Events.java

// Decode: what the events of a stream mean, in any of the three dialects, and what servers say of their failures.
//
// To run just:
//   curl -N https://api.example.com/v1/chat/completions -d @body.json > captured.txt
//   jbang Decode.java captured.txt
//
// It shows the meaning, not the timing: a capture has none. Probe.java and Stream.java decode what they stream with
// this class; here one can see why a server's event counts as a token, or does not.

package stream;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

import okhttp3.MediaType;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okhttp3.sse.EventSource;
import okhttp3.sse.EventSourceListener;
import okhttp3.sse.EventSources;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine;

/** The command that prints the meaning of each event of a captured stream. */
@Command(name = "decode", mixinStandardHelpOptions = true, sortOptions = false, version = "0.1.0",
        description = "Reads a captured stream and says what each event means.")
public class Decode implements Callable<Integer> {

    @Parameters(paramLabel = "FILE", description = "The body of a streamed answer, as curl -N writes it.")
    Path file;

    private final PrintStream out;
    private final PrintStream err;

    Decode(PrintStream out, PrintStream err) {
        this.out = out;
        this.err = err;
    }

    public static void main(String... args) {
        System.exit(run(System.out, System.err, args));
    }

    /** Runs the command; returns its exit code: 0 the stream has an end, 1 it has none, 2 wrong usage. */
    static int run(PrintStream out, PrintStream err, String... args) {
        return new CommandLine(new Decode(out, err))
                .setParameterExceptionHandler((problem, words) -> {
                    err.println("decode: " + problem.getMessage() + "; see --help");
                    return 2;
                })
                .execute(args);
    }

    @Override
    public Integer call() {
        String captured;
        try {
            captured = Files.readString(file);
        } catch (IOException e) {
            err.println("decode: " + file + ": can't be read as UTF-8 text");
            return 2;
        }
        var response = new Response.Builder().request(new Request.Builder().url("http://localhost/").build())
                .protocol(Protocol.HTTP_1_1).code(200).message("OK")
                .body(ResponseBody.create(captured, MediaType.get("text/event-stream"))).build();
        var printer = new Printer();
        EventSources.processResponse(response, printer);
        return printer.ended ? 0 : 1;
    }

    private final class Printer extends EventSourceListener {

        private boolean ended;

        @Override
        public void onEvent(EventSource source, String id, String type, String data) {
            var event = StreamEvent.decode(type, data);
            var finish = event.about() != null && event.about().finishReason() != null;
            ended |= event.last() || finish;
            out.printf("%-9s %s%n", event.kind().word(), event.text() == null ? "" : event.text().replace("\n", "\\n"));
        }

        @Override
        public void onFailure(EventSource source, Throwable problem, Response response) {
            err.println("decode: " + file + ": cut inside an event");
        }
    }
}
