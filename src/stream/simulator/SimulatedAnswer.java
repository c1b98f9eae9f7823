//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES AnswerPart.java
//SOURCES Capacity.java
//SOURCES EventWriter.java
//SOURCES Fault.java
//SOURCES LatencyProfile.java
//SOURCES SimulatedDialect.java
//SOURCES SimulatedRequest.java
//SOURCES SimulatedText.java

package stream.simulator;

import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** One answer: its text, its schedule, and the way it is streamed. */
final class SimulatedAnswer {

    private static final int REASONING_TOKENS = 5;
    private static final int TOOL_CALL_TOKENS = 2;
    private static final String OVERLOADED = "The server is overloaded.";

    private final SimulatedRequest request;
    private final SimulatedDialect dialect;
    private final SplittableRandom random;
    private final int number;
    private final long receivedNanos;
    private final Capacity.Slot slot;
    private final long ttftNanos; // since the request was received
    private final List<String> tokens;
    private final int length;
    private long dueNanos;
    private int sentTokens;

    /** @param waitedNanos for its slot */
    SimulatedAnswer(SimulatedRequest request, SimulatedDialect dialect, SplittableRandom random, int number, long receivedNanos,
            Capacity.Slot slot, long waitedNanos) {
        this.request = request;
        this.dialect = dialect;
        this.random = random;
        this.number = number;
        this.receivedNanos = receivedNanos;
        this.slot = slot;
        this.ttftNanos = waitedNanos + slot.promptNanos(this::promptTokens) + request.latency().nextTtftNanos(random);
        this.dueNanos = ttftNanos;
        this.tokens = SimulatedText.answer(request.prompt());
        this.length = Math.min(wantedTokens(), request.maxTokens());
    }

    private int wantedTokens() {
        return request.latency().tokens() > 0 ? request.latency().tokens() : tokens.size();
    }

    int number() {
        return number;
    }

    long ttftNanos() {
        return ttftNanos;
    }

    void waitForAll() {
        for (int i = 1; i < length; i++) {
            dueNanos += nextGapNanos(1);
            waitUntilDue(); // the pace may change meanwhile
        }
        waitUntilDue();
    }

    ObjectNode whole() {
        sentTokens = outputTokens();
        return dialect.whole(this);
    }

    /** Returns the parts of which the answer consists. */
    List<AnswerPart> parts() {
        var main = request.tool() != null ? AnswerPart.TOOL_CALL : AnswerPart.TEXT;
        return switch (request.fault()) {
            case REASONING -> List.of(AnswerPart.REASONING, main);
            case REASONING_ONLY -> List.of(AnswerPart.REASONING);
            default -> List.of(main);
        };
    }

    /** Returns the pieces in which a part is streamed. */
    private List<String> pieces(AnswerPart part) {
        return switch (part) {
            case REASONING -> IntStream.range(0, REASONING_TOKENS).mapToObj(i -> tokens.get(i % tokens.size())).toList();
            case TOOL_CALL -> {
                var half = request.tool().arguments().length() / 2;
                yield List.of(request.tool().arguments().substring(0, half), request.tool().arguments().substring(half));
            }
            case TEXT -> IntStream.range(0, length).mapToObj(i -> tokens.get(i % tokens.size())).toList();
        };
    }

    /** Returns a part as a whole. */
    String text(AnswerPart part) {
        return String.join("", pieces(part));
    }

    void stream(EventWriter wire) throws IOException {
        var fault = request.fault();
        if (fault == Fault.COMMENTS) {
            wire.send(": OPENROUTER PROCESSING\n\n");
        }
        if (fault == Fault.AZURE) {
            wire.send(event("{\"choices\":[],\"created\":0,\"model\":\"\",\"prompt_filter_results\":[{}]}"));
        }
        for (var opening : dialect.opening(this)) {
            wire.send(opening);
        }
        for (var part : parts()) {
            if (!(part == AnswerPart.TEXT ? streamText(wire) : streamPieces(wire, part))) {
                return;
            }
            for (var closing : dialect.end(this, part)) {
                wire.send(closing);
            }
        }
        for (var closing : dialect.closing(this)) {
            wire.send(closing);
        }
        if (fault == Fault.OPEN) {
            wire.flush();
            wire.awaitClose();
        }
    }

    private boolean streamPieces(EventWriter wire, AnswerPart part) throws IOException {
        begin(wire, part);
        for (var piece : pieces(part)) {
            waitUntilDue();
            sentTokens++;
            wire.send(dialect.delta(this, part, piece, false));
            dueNanos += nextGapNanos(1);
        }
        return true;
    }

    private void begin(EventWriter wire, AnswerPart part) throws IOException {
        for (var opening : dialect.begin(this, part)) {
            wire.send(opening);
        }
    }

    /** Returns false if the stream broke. */
    private boolean streamText(EventWriter wire) throws IOException {
        var perEvent = request.fault() == Fault.MULTI_TOKEN ? 3 : 1;
        begin(wire, AnswerPart.TEXT);
        for (int i = 0; i < length; i += perEvent) {
            if (i >= length / 2 && broke(wire)) {
                return false;
            }
            waitUntilDue();
            var text = new StringBuilder();
            for (int j = i; j < Math.min(length, i + perEvent); j++) {
                text.append(token(j));
                sentTokens++;
            }
            if (request.fault() == Fault.COMMENTS && i % 4 == 1) {
                wire.send(": keep-alive\n\n");
            }
            var last = i + perEvent >= length;
            wire.send(dialect.delta(this, AnswerPart.TEXT, text.toString(), last && request.fault() == Fault.FINISH_WITH_TEXT));
            if (!last) {
                dueNanos += nextGapNanos(perEvent);
            }
        }
        return true;
    }

    /** Breaks the stream in its middle if the fault is one that does. */
    private boolean broke(EventWriter wire) throws IOException {
        switch (request.fault()) {
            case ERROR_OBJECT -> wire.send(event("{\"error\":{\"message\":\"" + OVERLOADED
                    + "\",\"type\":\"server_error\",\"code\":503}}") + "data: [DONE]\n\n");
            case ERROR_STRING -> wire.send(event("{\"error\":\"" + OVERLOADED + "\"}"));
            case ERROR_VLLM -> wire.send(event("{\"object\":\"error\",\"message\":\"" + OVERLOADED
                    + "\",\"type\":\"InternalServerError\",\"code\":500}") + "data: [DONE]\n\n");
            case ERROR_FIELD -> wire.send("error: {\"code\":500,\"message\":\"" + OVERLOADED
                    + "\",\"type\":\"server_error\"}\n\n");
            case ERROR_EVENT -> wire.send(dialect.error(OVERLOADED));
            case ERROR_FINISH -> wire.send(dialect.failedChoice(null));
            case ERROR_CHOICE -> wire.send(dialect.failedChoice(OVERLOADED));
            case CUT -> wire.cut();
            case CUT_LINE -> {
                wire.send("data: {\"choices\":[{\"delta\":{\"cont");
                wire.cut();
            }
            case STALL -> wire.awaitClose();
            case RESET -> wire.reset();
            default -> {
                return false;
            }
        }
        return true;
    }

    private String token(int i) {
        return request.latency().clock() ? " " + (System.nanoTime() - receivedNanos) : tokens.get(i % tokens.size());
    }

    private long nextGapNanos(int tokens) {
        return slot.gapNanos(request.latency().nextItlNanos(random), tokens);
    }

    /** Waits for an absolute time, so that lateness never adds up. */
    private void waitUntilDue() {
        for (long left; (left = receivedNanos + dueNanos - System.nanoTime()) > 0; ) {
            LockSupport.parkNanos(left);
            if (Thread.currentThread().isInterrupted()) {
                return;
            }
        }
    }

    static String event(String json) {
        return "data: " + json + "\n\n";
    }

    SimulatedRequest request() {
        return request;
    }

    /** Returns why the answer ended, in the words of the chat API. */
    String finishReason() {
        return request.tool() != null ? "tool_calls" : request.fault() == Fault.CONTENT_FILTER ? "content_filter"
                : length < wantedTokens() ? "length" : "stop";
    }

    int promptTokens() {
        return Math.max(1, SimulatedText.tokens(request.prompt()).size());
    }

    int reasoningTokens() {
        return parts().contains(AnswerPart.REASONING) ? REASONING_TOKENS : 0;
    }

    int outputTokens() {
        return reasoningTokens() + (parts().contains(AnswerPart.TOOL_CALL) ? TOOL_CALL_TOKENS
                : parts().contains(AnswerPart.TEXT) ? length : 0) * request.choices();
    }

    /** Returns how many tokens have been sent so far. */
    int sentTokens() {
        return sentTokens * request.choices();
    }

    /** The member that holds the truth; begins with a comma. Most servers have none: their events differ in text alone. */
    String sim() {
        return request.fault() == Fault.FIREHOSE ? ""
                : ",\"sim\":{\"sent_ns\":" + (System.nanoTime() - receivedNanos) + ",\"due_ns\":" + dueNanos + "}";
    }

    String padding() {
        return request.fault() == Fault.OBFUSCATION ? ",\"obfuscation\":\"" + "x".repeat(random.nextInt(1, 20)) + "\"" : "";
    }

    static String quoted(String text) {
        return JsonMapper.shared().writeValueAsString(text);
    }
}
