//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Console.java
//SOURCES Echo.java
//SOURCES Prompts.java
//SOURCES Models.java
//SOURCES Client.java
//SOURCES Plan.java
//SOURCES RunFiles.java
//SOURCES Runner.java
//SOURCES Calibration.java
//SOURCES Statistics.java
//SOURCES Comparison.java

// LiveSession: the questions of the web page, the runs that answer them, and what a tab has yet to be shown of them.
//
// Each question is a run of its own, by the same Runner, Client and Journal as in Stream.java. The journal's thread notes what
// came; a tab takes from there what it has not been sent yet. No queue is between them: a tab that is slow gets more at a time,
// and one that connects again gets everything from the beginning.

package stream;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the page may ask, and how it is asked.
 *
 * @param run          settings of a run; each question has its own system message, sampling, repetitions and concurrency
 * @param models       those that may be asked
 * @param modelOptions how the user named them
 * @param graceMillis  how long the questions of a closed tab go on, from 0
 */
record LiveSettings(RunSettings run, List<Model> models, ModelSettings modelOptions, long graceMillis) {

    /** Characters of a prompt or a system message. */
    static final int LONGEST_TEXT = 200_000;
    /** Bytes of all files of a question together. */
    static final int MOST_FILE_BYTES = 8 << 20;
    static final int MOST_REPETITIONS = 100;
    /** Requests of one question. */
    static final int MOST_REQUESTS = 10_000;
    /** Questions that are answered at the same time. */
    static final int MOST_QUESTIONS = 4;
    /** Requests in flight, of all questions. */
    static final int MOST_IN_FLIGHT = 32;
    /** Questions that are kept in memory; those before are in their folders. */
    static final int MOST_KEPT = 50;
}

/**
 * A question of the page.
 *
 * @param tab    the tab that asks
 * @param title  the beginning of the prompt, or the names of the files
 * @param text   the prompt; null if prompts are from files
 * @param files  their names; empty if there are none
 * @param system null for none
 * @param models those that are to answer
 * @param repeat how often, from 1
 */
record LiveQuestion(String tab, String title, String text, List<String> files, List<Prompt> prompts, String system,
                    Sampling sampling, List<Model> models, int repeat) {

    private static final int LONGEST_TITLE = 100;

    /** Reads what the page sends; throws UserError, with a line for each problem, if it cannot be asked. */
    static LiveQuestion of(JsonNode json, LiveSettings settings) {
        var prompt = json.path("prompt").asString("").strip();
        var system = json.path("system").asString("").strip();
        var files = json.path("files");
        var labels = json.path("models").valueStream().map(label -> label.asString("")).collect(Collectors.toSet());
        var models = settings.models().stream().filter(model -> labels.contains(model.label())).toList();
        var repeat = json.path("repeat").asInt(1);
        var sampling = new Sampling(json.path("max_tokens").asInt(settings.run().sampling().maxTokens()),
                json.path("temperature").asDouble(settings.run().sampling().temperature()), settings.run().sampling().seed());
        new OptionChecks()
                .require(!prompt.isEmpty() || !files.isEmpty(), "the prompt is empty; write a question")
                .require(Math.max(prompt.length(), system.length()) <= LiveSettings.LONGEST_TEXT,
                        "the prompt has more than " + LiveSettings.LONGEST_TEXT + " characters; put it into a file for Stream.java")
                .require(!models.isEmpty(), "no model is chosen; choose one")
                .within("repetitions", repeat, 1, LiveSettings.MOST_REPETITIONS)
                .within("temperature", sampling.temperature(), 0, 2)
                .atLeast("token limit", sampling.maxTokens(), 1)
                .throwIfAny();
        var prompts = files.isEmpty() ? List.of(Prompt.ofText("prompt-1", prompt, "--prompt 1")) : promptsOf(files);
        new OptionChecks().require((long) prompts.size() * models.size() * repeat <= LiveSettings.MOST_REQUESTS,
                prompts.size() + " prompts, " + models.size() + " models and " + repeat + " repetitions are more than "
                        + LiveSettings.MOST_REQUESTS + " requests; repeat less, or use Stream.java").throwIfAny();
        var complete = prompts.stream().map(each -> system.isEmpty() || each.hasSystem() ? each : each.withSystem(system)).toList();
        var names = files.valueStream().map(file -> file.path("name").asString("")).toList();
        var title = OneLine.shortened(OneLine.of(names.isEmpty() ? prompt : String.join(", ", names)), LONGEST_TITLE);
        return new LiveQuestion(json.path("tab").asString(""), title, names.isEmpty() ? prompt : null, names, complete,
                system.isEmpty() ? null : system, sampling, models, repeat);
    }

    private static List<Prompt> promptsOf(JsonNode files) {
        var bytesByName = new LinkedHashMap<String, byte[]>();
        try {
            files.forEach(file -> bytesByName.put(file.path("name").asString(""),
                    Base64.getDecoder().decode(file.path("base64").asString(""))));
        } catch (IllegalArgumentException e) {
            throw new UserError("a file did not arrive as a whole; drop it again");
        }
        new OptionChecks().require(bytesByName.values().stream().mapToLong(bytes -> bytes.length).sum() <= LiveSettings.MOST_FILE_BYTES,
                "the files have more than " + (LiveSettings.MOST_FILE_BYTES >> 20) + " MB; use Stream.java").throwIfAny();
        var set = PromptSet.ofFiles(bytesByName);
        UserError.throwIfAny(set.problems());
        return set.prompts();
    }

    /** Returns how the run of this question is to be done. */
    RunSettings settings(RunSettings session) {
        return session.forQuestion(system, sampling, new Plan.Order(repeat, 0, true,
                ThreadLocalRandom.current().nextLong(1_000_000_000)), models.size());
    }

    /** Returns the command line of Stream.java with which a run of this question can be resumed. */
    List<String> arguments(RunSettings settings, ModelSettings modelOptions) {
        var words = new ArrayList<String>();
        if (text != null) {
            words.add("--prompt=" + text);
        }
        words.addAll(modelOptions.arguments(models.stream().map(Model::label).toList()));
        words.addAll(settings.arguments());
        words.addAll(List.of("--echo", "none"));
        if (!files.isEmpty()) {
            words.add("--");
            words.addAll(files);
        }
        return words;
    }
}

/**
 * A question and its answers, as they come. The journal's thread writes, the threads of the tabs read; what they do under the lock
 * is short, and no thread that measures takes it.
 */
final class LiveAsk implements AnswerListener {

    /** What one tab has been sent. */
    static final class Cursor {
        private final Map<Lane, LaneCursor> lanes = new HashMap<>();
        private long revision = -1;
    }

    private static final class LaneCursor {
        private long revision = -1;
        private int attempt;
        private int pieces;
        private int results;
    }

    private static final int MOST_PIECES = 20_000;

    /** The columns of requests.csv that a lane shows. */
    private static final List<RequestColumn> SHOWN = List.of(RequestColumn.STATUS, RequestColumn.TTFT_MS, RequestColumn.TTLT_MS,
            RequestColumn.TOTAL_MS, RequestColumn.ITL_P50_MS, RequestColumn.OUTPUT_TOKENS, RequestColumn.TOKEN_SOURCE,
            RequestColumn.OUTPUT_TOKENS_PER_S, RequestColumn.COALESCED_EVENTS, RequestColumn.TAINTED);

    private static final Set<String> SHOWN_KINDS = Set.of(EventKind.CONTENT.word(), EventKind.REASONING.word(), EventKind.TOOL.word());

    /** A piece of text, and when it came. */
    private record Piece(String elapsedMillis, int read, String kind, String text) { }

    /** The answers of one model. */
    private static final class Lane {
        private final String label;
        private final List<Piece> pieces = new ArrayList<>(); // of the last attempt
        private final List<Map<String, String>> results = new ArrayList<>(); // of the requests that have ended
        private int attempt;
        private boolean streaming;
        private boolean stopped;
        private boolean cut; // whether there is more of the text in the files
        private long begunNanos;
        private String failure;
        private long revision;

        Lane(String label) {
            this.label = label;
        }
    }

    private final int id;
    private final LiveQuestion question;
    private final long startedMillis = System.currentTimeMillis();
    private final int rounds;
    private final Map<String, Lane> lanes = new LinkedHashMap<>();
    private final Set<String> notes = new LinkedHashSet<>();
    private Runner runner;
    private String prompt = "";
    private String runId;
    private String folder;
    private String command;
    private String sentence;
    private int round;
    private boolean stopped;
    private boolean ended;
    private long revision;

    LiveAsk(int id, LiveQuestion question) {
        this.id = id;
        this.question = question;
        this.rounds = question.prompts().size() * question.repeat();
        question.models().forEach(model -> lanes.put(model.label(), new Lane(model.label())));
    }

    int id() {
        return id;
    }

    LiveQuestion question() {
        return question;
    }

    synchronized String runId() {
        return runId;
    }

    synchronized boolean isEnded() {
        return ended;
    }

    /** Sends the question to all its models, and again as often as it is to be repeated; returns when all is written. */
    void run(LiveSettings settings, ClientOverhead overhead, Console console) {
        try {
            var own = question.settings(settings.run());
            var plan = Plan.of(question.prompts(), question.models(), own.order());
            try (var running = Runner.start(own, plan, question.arguments(own, settings.modelOptions()), overhead, null, console, this)) {
                begin(running, console);
                running.executeInRounds(plan, this::beginRound);
                running.finish();
                if (rounds > 1) {
                    compare(running.folder());
                }
            }
        } catch (UserError | IOException e) {
            say(String.valueOf(e.getMessage()));
        } catch (IllegalStateException e) {
            say("the process is about to end"); // it takes no shutdown hooks any more
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            end();
        }
    }

    private synchronized void begin(Runner running, Console console) {
        runner = running;
        runId = running.runId();
        folder = running.folder().toString();
        command = console.command("Compare.java", folder);
        if (stopped) {
            running.stop();
        }
        lanes.values().stream().filter(lane -> lane.stopped).forEach(lane -> running.stop(lane.label));
        revision++;
    }

    private synchronized boolean beginRound(Plan next) {
        if (stopped || lanes.values().stream().allMatch(lane -> lane.stopped)) {
            return false;
        }
        round++;
        prompt = next.jobs().getFirst().prompt().id();
        revision++;
        return true;
    }

    private void compare(Path run) throws IOException {
        var comparison = Comparison.of(ComparisonSettings.ofRun(run), null);
        synchronized (this) {
            sentence = comparison.headline();
            comparison.caveats().forEach(notes::add);
            revision++;
        }
    }

    private synchronized void end() {
        ended = true;
        runner = null;
        lanes.values().stream().filter(lane -> lane.streaming).forEach(lane -> {
            lane.streaming = false; // it was stopped while it waited to be tried again
            lane.revision++;
        });
        revision++;
    }

    /** Ends all answers, or those of one model; {@code label} is null for all. */
    synchronized void stop(String label) {
        if (label == null) {
            stopped = true;
        } else if (lanes.containsKey(label)) {
            lanes.get(label).stopped = true;
            lanes.get(label).revision++;
        }
        if (runner != null && label == null) {
            runner.stop();
        } else if (runner != null) {
            runner.stop(label);
        }
        revision++;
    }

    @Override
    public synchronized void begin(Speaker speaker) {
        var lane = lanes.get(speaker.label());
        lane.attempt++;
        lane.pieces.clear();
        lane.cut = false;
        lane.begunNanos = System.nanoTime();
        lane.streaming = true;
        lane.failure = null;
        lane.revision++;
        revision++;
    }

    @Override
    public boolean wantsEvents() {
        return true;
    }

    @Override
    public synchronized void event(Speaker speaker, String elapsedMillis, String delayMillis, int read, String kind, String text) {
        var lane = lanes.get(speaker.label());
        if (text == null || text.isEmpty() || !SHOWN_KINDS.contains(kind) || lane.cut) {
            return;
        }
        lane.cut = lane.pieces.size() == MOST_PIECES;
        if (!lane.cut) {
            lane.pieces.add(new Piece(elapsedMillis, read, kind, text));
        }
        lane.revision++;
        revision++;
    }

    @Override
    public synchronized void end(Speaker speaker, boolean last, String failure, UnaryOperator<String> row) {
        var lane = lanes.get(speaker.label());
        lane.streaming = !last;
        lane.failure = failure;
        if (last) {
            var result = new LinkedHashMap<String, String>();
            SHOWN.forEach(column -> result.put(column.word(), row.apply(column.word())));
            lane.results.add(result);
        }
        lane.revision++;
        revision++;
    }

    /** What a model's column says is not said again. */
    @Override
    public synchronized void say(String line) {
        if (lanes.values().stream().noneMatch(lane -> lane.failure != null && line.endsWith(lane.failure)) && notes.add(line)) {
            revision++;
        }
    }

    /** Returns what the list of the session shows. */
    synchronized ObjectNode summary() {
        return JsonNodeFactory.instance.objectNode().put("id", id).put("title", question.title()).put("tab", question.tab())
                .put("started_ms", startedMillis).put("round", round).put("rounds", rounds).put("ended", ended);
    }

    /** Returns what is new since the last call with this cursor; null if nothing is. */
    synchronized ObjectNode changes(Cursor cursor) {
        if (cursor.revision == revision) {
            return null;
        }
        var isFirst = cursor.revision < 0;
        cursor.revision = revision;
        var json = summary().put("run", runId).put("folder", folder).put("command", command).put("sentence", sentence)
                .put("stopped", stopped).put("prompt_id", prompt);
        notes.forEach(json.putArray("notes")::add);
        if (isFirst) {
            json.put("first", true);
            put(json.putObject("question"));
        }
        var changed = json.putArray("lanes");
        var number = 0;
        for (var lane : lanes.values()) {
            var sent = cursor.lanes.computeIfAbsent(lane, absent -> new LaneCursor());
            if (sent.revision != lane.revision) {
                put(changed.addObject().put("lane", number), lane, sent);
            }
            number++;
        }
        return json;
    }

    private void put(ObjectNode json) {
        json.put("prompt", question.text()).put("system", question.system())
                .put("temperature", question.sampling().temperature()).put("max_tokens", question.sampling().maxTokens())
                .put("repeat", question.repeat()).put("prompts", question.prompts().size());
        lanes.keySet().forEach(json.putArray("models")::add);
    }

    private static void put(ObjectNode json, Lane lane, LaneCursor sent) {
        if (sent.attempt != lane.attempt) {
            sent.attempt = lane.attempt;
            sent.pieces = 0;
            json.put("restarted", true).put("since_ms", (System.nanoTime() - lane.begunNanos) / 1_000_000);
        }
        json.put("cut", lane.cut).put("streaming", lane.streaming).put("stopped", lane.stopped).put("failure", lane.failure);
        var pieces = json.putArray("pieces");
        for (var piece : lane.pieces.subList(sent.pieces, lane.pieces.size())) {
            pieces.addArray().add(Double.parseDouble(piece.elapsedMillis())).add(piece.read()).add(piece.kind()).add(piece.text());
        }
        var results = json.putArray("results");
        for (var result : lane.results.subList(sent.results, lane.results.size())) {
            var row = results.addObject();
            result.forEach(row::put);
        }
        sent.pieces = lane.pieces.size();
        sent.results = lane.results.size();
        sent.revision = lane.revision;
    }
}

/** The questions since the server was started. */
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
        if (settings.run().selfWarmup() != RunSettings.SelfWarmup.NEVER) {
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
            return own.calibrates(Plan.of(ask.question().prompts(), ask.question().models(), own.order()))
                    ? LoopbackLoad.calibrate(own.concurrency()) : null;
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
