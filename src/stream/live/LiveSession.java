//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/Console.java
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../plan/LoadSettings.java
//SOURCES ../plan/Plan.java
//SOURCES ../plan/RunSettings.java
//SOURCES ../record/ClientOverhead.java
//SOURCES ../run/LoopbackLoad.java
//SOURCES LiveAsk.java
//SOURCES LiveQuestion.java
//SOURCES LiveSettings.java

package stream.live;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

import stream.plan.LoadSettings;
import stream.plan.Plan;
import stream.record.ClientOverhead;
import stream.run.LoopbackLoad;
import stream.terminal.Console;
import stream.terminal.OneLine;
import stream.terminal.OptionChecks;
import tools.jackson.databind.node.ObjectNode;

/**
 * The questions since the server was started.
 *
 * <p>Each question is a run of its own, by the same Runner, client and Journal as in Stream.java. The journal's thread notes what
 * came; a tab takes from there what it has not been sent yet. No queue is between them: a tab that is slow gets more at a time, and
 * one that connects again gets everything from the beginning.
 */
final class LiveSession implements AutoCloseable {

    private static final Duration LONGEST_END = Duration.ofSeconds(2);

    private final LiveSettings settings;
    private final Console console;
    private final Map<Integer, LiveAsk> asks = new LinkedHashMap<>();
    private final Map<String, Integer> connections = new HashMap<>();
    private final Map<String, Object> goneSince = new HashMap<>(); // an object for each time that a tab was closed
    private final FutureTask<Void> warmUp = new FutureTask<>(this::warmUp);
    private final List<Thread> threads = new ArrayList<>(); // of the questions that are being answered
    private int lastId;
    private volatile boolean closing;

    /** Begins to warm the JVM up; a question that comes earlier waits for it. */
    LiveSession(LiveSettings settings, Console console) {
        this.settings = settings;
        this.console = console;
        Thread.ofPlatform().daemon().name("warm-up").start(warmUp);
    }

    private Void warmUp() throws IOException, InterruptedException {
        if (settings.run().load().selfWarmup() != LoadSettings.SelfWarmup.NEVER) {
            LoopbackLoad.warmUp();
        }
        return null;
    }

    LiveSettings settings() {
        return settings;
    }

    /** Whether the process is about to end. */
    boolean isClosing() {
        return closing;
    }

    /** Begins to ask; throws UserError if too much is asked at the same time. */
    synchronized LiveAsk ask(LiveQuestion question) {
        var running = asks.values().stream().filter(each -> !each.isEnded()).toList();
        var inFlight = running.stream().mapToInt(each -> each.question().models().size()).sum() + question.models().size();
        new OptionChecks()
                .require(running.size() < LiveSettings.MOST_QUESTIONS,
                        running.size() + " questions are being answered; wait for one to end, or stop it")
                .require(inFlight <= LiveSettings.MOST_IN_FLIGHT, inFlight + " answers at the same time are too many, at most "
                        + LiveSettings.MOST_IN_FLIGHT + " are possible; choose fewer models").throwIfAny();
        var ask = new LiveAsk(++lastId, question);
        asks.put(ask.id(), ask);
        var ended = asks.values().stream().filter(LiveAsk::isEnded).map(LiveAsk::id).toList();
        ended.stream().limit(Math.max(0, asks.size() - LiveSettings.MOST_KEPT)).forEach(asks::remove);
        threads.removeIf(thread -> !thread.isAlive());
        threads.add(Thread.startVirtualThread(() -> run(ask, running.isEmpty())));
        stopUnlessConnected(question.tab());
        return ask;
    }

    private void run(LiveAsk ask, boolean isAlone) {
        try {
            warmUp.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException e) {
            ask.say("the client is not warm, its first times will be late (" + OneLine.firstOf(String.valueOf(e.getCause())) + ")");
        }
        ask.run(settings, isAlone ? overhead(ask) : null, console);
    }

    /** Returns null if the error of the client is not measured. */
    private ClientOverhead overhead(LiveAsk ask) {
        var own = ask.question().settings(settings.run());
        try {
            return own.calibrates(Plan.of(ask.question().prompts(), ask.question().models(), own.load().order()))
                    ? LoopbackLoad.calibrate(own.load().concurrency()) : null;
        } catch (IOException | InterruptedException | RuntimeException e) {
            ask.say("the client's own error could not be measured (" + OneLine.firstOf(String.valueOf(e.getMessage())) + ")");
            return null;
        }
    }

    /** Returns null for a number that no question has, or has any longer. */
    synchronized LiveAsk find(int id) {
        return asks.get(id);
    }

    /** Returns the questions, the newest first. */
    synchronized List<ObjectNode> summaries() {
        return new ArrayList<>(asks.values()).reversed().stream().map(LiveAsk::summary).toList();
    }

    /** Whether a run is one of this session. */
    synchronized boolean hasRun(String runId) {
        return asks.values().stream().anyMatch(ask -> runId.equals(ask.runId()));
    }

    synchronized void connected(String tab) {
        connections.merge(tab, 1, Integer::sum);
    }

    synchronized void disconnected(String tab) {
        connections.computeIfPresent(tab, (same, count) -> count == 1 ? null : count - 1);
        stopUnlessConnected(tab);
    }

    /** Stops the questions of a tab that is not connected for all of the time of grace. */
    private synchronized void stopUnlessConnected(String tab) {
        if (connections.containsKey(tab) || closing) {
            return;
        }
        var since = new Object();
        goneSince.put(tab, since);
        Thread.startVirtualThread(() -> {
            try {
                Thread.sleep(settings.graceMillis());
            } catch (InterruptedException e) {
                return;
            }
            if (isGoneSince(tab, since)) {
                ofTab(tab).forEach(ask -> ask.stop(null));
            }
        });
    }

    private synchronized boolean isGoneSince(String tab, Object since) {
        return !connections.containsKey(tab) && goneSince.remove(tab, since);
    }

    private synchronized List<LiveAsk> ofTab(String tab) {
        return asks.values().stream().filter(ask -> !ask.isEnded() && ask.question().tab().equals(tab)).toList();
    }

    /** Stops all questions, and waits a little until what came is written. */
    @Override
    public void close() {
        closing = true;
        List<LiveAsk> all;
        List<Thread> running;
        synchronized (this) {
            all = List.copyOf(asks.values());
            running = List.copyOf(threads);
        }
        all.forEach(ask -> ask.stop(null));
        var deadline = System.nanoTime() + LONGEST_END.toNanos();
        for (var thread : running) {
            try {
                thread.join(Duration.ofNanos(Math.max(1, deadline - System.nanoTime())));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
