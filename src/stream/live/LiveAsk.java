//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../terminal/Console.java
//SOURCES ../terminal/UserError.java
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/EventKind.java
//SOURCES ../api/Model.java
//SOURCES ../api/Sampling.java
//SOURCES ../plan/Job.java
//SOURCES ../plan/LoadSettings.java
//SOURCES ../plan/Plan.java
//SOURCES ../plan/RunSettings.java
//SOURCES ../plan/Speaker.java
//SOURCES ../record/AnswerListener.java
//SOURCES ../record/ClientOverhead.java
//SOURCES ../record/Column.java
//SOURCES ../record/RequestColumn.java
//SOURCES ../run/Runner.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/ComparisonSettings.java
//SOURCES LiveQuestion.java
//SOURCES LiveSettings.java

package stream.live;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

import stream.api.EventKind;
import stream.compare.Comparison;
import stream.compare.ComparisonSettings;
import stream.plan.Plan;
import stream.plan.Speaker;
import stream.record.AnswerListener;
import stream.record.ClientOverhead;
import stream.record.RequestColumn;
import stream.run.Runner;
import stream.terminal.Console;
import stream.terminal.UserError;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

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

    private static final Set<String> SHOWN_KINDS = Set.of(EventKind.CONTENT.word(),
            EventKind.REASONING.word(), EventKind.TOOL.word());

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
            var plan = Plan.of(question.prompts(), question.models(), own.load().order());
            try (var running = Runner.start(own, plan, question.arguments(own, settings.modelOptions()),
                    overhead, null, console, this)) {
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
