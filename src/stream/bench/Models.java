//JAVA 25+
//DEPS org.openjdk.jmh:jmh-core:1.37
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/ConnectionSettings.java
//SOURCES ../api/EventKind.java
//SOURCES ../api/Model.java
//SOURCES ../api/ModelCatalog.java
//SOURCES ../api/ModelSettings.java
//SOURCES ../api/Sampling.java
//SOURCES ../api/StreamEvent.java
//SOURCES ../api/UsageRequest.java
//SOURCES ../client/Exchange.java
//SOURCES ../client/ExchangeResult.java
//SOURCES ../client/Limits.java
//SOURCES ../client/Outcome.java
//SOURCES ../client/Recording.java
//SOURCES ../client/StreamClient.java
//SOURCES ../simulator/SimulatedServer.java
//SOURCES BenchmarkCheck.java

package stream.bench;

import java.util.List;
import java.util.concurrent.TimeUnit;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import stream.api.ConnectionSettings;
import stream.api.EventKind;
import stream.api.Model;
import stream.api.ModelCatalog;
import stream.api.ModelSettings;
import stream.api.Sampling;
import stream.api.StreamEvent;
import stream.api.UsageRequest;
import stream.client.Exchange;
import stream.client.Limits;
import stream.client.Outcome;
import stream.client.Recording;
import stream.client.StreamClient;
import stream.prompt.Prompt;
import stream.simulator.SimulatedServer;

// The configured models in JMH's own statistics: single shots at real models, or simulated ones if no server is named.

@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 1)
@Measurement(iterations = 5)
@Fork(1)
public class Models {

    /** The system property with the address of the server; without it a simulator is started. */
    public static final String BASE_URL_PROPERTY = "stream.bench.base-url";

    @Param({"gpt-4", "gpt-3.5-turbo", "text-davinci-003"})
    public String model;

    private SimulatedServer simulator;
    private StreamClient client;
    private Model target;
    private String body;

    @Setup(Level.Trial)
    public void start() throws Exception {
        var baseUrl = System.getProperty(BASE_URL_PROPERTY);
        if (baseUrl == null) {
            simulator = SimulatedServer.start(1);
        }
        var access = simulator == null ? ModelCatalog.Access.WITH_KEYS
                : ModelCatalog.Access.toSimulator(simulator.baseUrl());
        target = ModelCatalog.of(new ModelSettings(List.of(model), null, baseUrl, "auto", false, List.of()), System.getenv(),
                access)
                .models().getFirst();
        client = new StreamClient(1, List.of(target), System.getenv(), Limits.DEFAULT, ConnectionSettings.DEFAULT);
        body = target.body(Prompt.ofText("p", "Why is the sky blue?", "p"), new Sampling(200, 0, null), UsageRequest.AT_THE_END);
    }

    @TearDown(Level.Trial)
    public void stop() {
        client.close();
        if (simulator != null) {
            simulator.close();
        }
    }

    @Benchmark
    public void total() {
        var ending = new Exchange(client, target, body, new Recording(), () -> { }).run();
        BenchmarkCheck.must(ending.outcome() instanceof Outcome.Completed, ending.outcome().message(target));
    }

    @Benchmark
    public void timeToFirstToken() {
        var first = new boolean[1];
        var exchange = new Exchange(client, target, body, new Recording(), () -> { }) {
            @Override
            public StreamEvent decode(String type, String data) {
                var event = super.decode(type, data);
                if (event.kind() == EventKind.CONTENT) {
                    first[0] = true;
                    abort(Abort.CANCEL);
                }
                return event;
            }
        };
        var ending = exchange.run();
        BenchmarkCheck.must(first[0], ending.outcome().message(target));
    }
}

// HOW TO RUN: jbang Bench.java Models -rf csv -rff results/models.csv
// Look at the score and its error: where the intervals of two models overlap, this sample cannot tell them apart.
