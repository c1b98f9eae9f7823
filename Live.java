///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Ask once and watch the models answer side by side in a browser
//JAVA 25+
//DEPS info.picocli:picocli:4.7.7
//SOURCES src/stream/terminal/Console.java
//SOURCES src/stream/terminal/OneLine.java
//SOURCES src/stream/terminal/OptionChecks.java
//SOURCES src/stream/api/ConnectionOptions.java
//SOURCES src/stream/api/ModelCatalog.java
//SOURCES src/stream/api/ModelOptions.java
//SOURCES src/stream/api/ModelSettings.java
//SOURCES src/stream/plan/EchoMode.java
//SOURCES src/stream/plan/EchoSettings.java
//SOURCES src/stream/plan/LoadSettings.java
//SOURCES src/stream/plan/Plan.java
//SOURCES src/stream/plan/RecordOptions.java
//SOURCES src/stream/plan/RecordSettings.java
//SOURCES src/stream/plan/RequestOptions.java
//SOURCES src/stream/plan/RequestSettings.java
//SOURCES src/stream/plan/RunSettings.java
//SOURCES src/stream/simulator/SimulatedServer.java
//SOURCES src/stream/live/LiveServer.java
//SOURCES src/stream/live/LiveSettings.java
//RUNTIME_OPTIONS -XX:TieredStopAtLevel=1 -XX:+UseParallelGC -XX:-UseAdaptiveSizePolicy -Xmn20m -XX:SurvivorRatio=3 -XX:MaxTenuringThreshold=1 -Xlog:disable -Xlog:all=error:stderr -Xlog:cds=off:stderr -Xlog:aot=off:stderr
//CDS

// Live: serves a web page on this machine, where one question goes to several models and their answers appear side by side.
//
// To run just:
//   jbang Live.java --simulate --open       three simulated models, no key
//   jbang Live.java -m gpt-4,gpt-4o         OPENAI_API_KEY holds the key; it stays in this process
//
// Here are the options and their validation; what they lead to is in src/stream/live/: LiveServer.java, then LiveSession.java. The
// runtime options are those of Stream.java, since the same client measures.

package stream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;

import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import stream.api.ConnectionOptions;
import stream.api.ModelCatalog;
import stream.api.ModelOptions;
import stream.live.LiveServer;
import stream.live.LiveSettings;
import stream.plan.EchoMode;
import stream.plan.EchoSettings;
import stream.plan.LoadSettings;
import stream.plan.Plan;
import stream.plan.RecordOptions;
import stream.plan.RecordSettings;
import stream.plan.RequestOptions;
import stream.plan.RunSettings;
import stream.simulator.SimulatedServer;
import stream.terminal.Console;
import stream.terminal.OneLine;
import stream.terminal.OptionChecks;

/** The command that serves the page until it is interrupted. */
@Command(name = "live", description = "Serves a web page on which one question goes to several models, and their answers appear "
        + "side by side.")
public class Live implements Callable<Integer> {

    @Mixin
    private ModelOptions modelOptions = new ModelOptions();

    @Mixin
    private ConnectionOptions connectionOptions = new ConnectionOptions();

    @Option(names = "--simulate", description = "Start the built-in simulator and ask it; no key, no cost.")
    private boolean simulate;

    @Mixin
    private RequestOptions requestOptions = new RequestOptions();

    @Mixin
    private RecordOptions recordOptions = new RecordOptions();

    @Option(names = "--port", paramLabel = "N", defaultValue = "0", description = "Port of 127.0.0.1; 0 takes a free one"
            + " (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(names = "--open", description = "Open the page in the browser.")
    private boolean open;

    @Option(names = {"-v", "--verbose"}, description = "Report retries, print stack traces.")
    private boolean verbose;

    private static final long GRACE_MILLIS = 10_000; // a page that is loaded again is back before that

    private final Console console;

    Live(Console console) {
        this.console = console;
    }

    public static void main(String... args) {
        System.exit(run(Console.ofProcess("live"), args));
    }

    /** Runs the command; it returns only with an error: 2 for wrong usage. */
    public static int run(Console console, String... args) {
        return console.run(new Live(console), args);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        new OptionChecks().within("--port", port, 0, 65535)
                .require(!simulate || modelOptions.settings().baseUrl() == null,
                        "--simulate and --base-url name two servers; leave one out").throwIfAny();
        var run = settings();
        try (var simulator = simulate ? SimulatedServer.start(run.load().order().seed()) : null) {
            var catalog = ModelCatalog.of(modelOptions.settings(), console.environment(), simulator == null
                    ? ModelCatalog.Access.WITH_KEYS : ModelCatalog.Access.toSimulator(simulator.baseUrl()));
            catalog.notes().forEach(console::say);
            var settings = new LiveSettings(run, catalog.models(), modelOptions.settings(), GRACE_MILLIS);
            try (var server = LiveServer.start(settings, port, console)) {
                Runtime.getRuntime().addShutdownHook(new Thread(server::close, "live-end"));
                console.out().println(server.address());
                console.out().flush();
                console.say("the page is at this address until Ctrl-C; it is for this machine alone");
                if (open) {
                    open(server.address());
                }
                new CountDownLatch(1).await();
            }
            return 0;
        }
    }

    private RunSettings settings() {
        var checks = new OptionChecks();
        var request = checks.settings(requestOptions::settings);
        var shown = checks.settings(() -> new EchoSettings(EchoMode.NONE, true, recordOptions.typingDelayMillis, verbose));
        checks.throwIfAny();
        return new RunSettings(simulate, request,
                new LoadSettings(new Plan.Order(1, 0, true, 1), 1, LoadSettings.SelfWarmup.ALWAYS, false),
                connectionOptions.settings(),
                new RecordSettings(recordOptions.results, recordOptions.csvSafe, null), shown, false);
    }

    /** Arguments of a process can be read by others, so the browser is given a file, which only its owner can read. */
    private void open(String address) {
        try {
            var page = Files.createTempFile("live", ".html",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            page.toFile().deleteOnExit();
            Files.writeString(page, "<!DOCTYPE html><meta http-equiv=\"refresh\" content=\"0; url=" + address + "\">");
            new ProcessBuilder(opener(page)).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        } catch (IOException | UnsupportedOperationException e) {
            console.say("--open: no browser could be started (" + OneLine.firstOf(String.valueOf(e.getMessage()))
                    + "); open the address yourself");
        }
    }

    private static List<String> opener(Path page) {
        var system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
        return system.contains("win") && !system.contains("darwin")
                ? List.of("rundll32", "url.dll,FileProtocolHandler", page.toUri().toString())
                : List.of(system.contains("mac") ? "open" : "xdg-open", page.toString());
    }
}
