package stream.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import okio.Buffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bytes of a response, without a network: chunks, lines, events, and what an event tells. */
@Execution(ExecutionMode.CONCURRENT)
class EventsTest {

    // Chunks

    @Test
    void chunksHaveTheSameContentWhereverTheyAreSplitAndTheLastIsLeftAlone() throws Exception {
        var framed = "5;name=\"a b\"\r\nHello\r\n1\n,\n00A \r\n 0\r\n\r\n5\r\n\n\r\n1\r\nx\r\n";
        var last = "000;end\r\nTrailer: x\r\n\r\nHTTP/1.1";
        var bytes = (framed + last).getBytes(StandardCharsets.UTF_8);
        for (int first = 0; first <= bytes.length; first++) {
            for (int second = first; second <= bytes.length; second++) {
                var chunks = new ChunkDecoder();
                var content = new Buffer();
                var at = 0;
                for (int end : new int[] {first, second, bytes.length}) {
                    at = at == end || !chunks.isAtLast() ? chunks.decode(bytes, at, end, content) : at;
                }
                assertTrue(chunks.isAtLast());
                assertEquals("Hello, 0\r\n\r\n5\r\n\nx", content.readUtf8());
                assertEquals(last, new String(chunks.untaken(), StandardCharsets.UTF_8)
                        + new String(bytes, at, bytes.length - at, StandardCharsets.UTF_8));
            }
        }
    }

    @Test
    void insideAChunkNothingCanBeGivenBack() throws Exception {
        var chunks = new ChunkDecoder();
        var bytes = "3\r\nab".getBytes(StandardCharsets.UTF_8);
        chunks.decode(bytes, 0, 2, new Buffer());
        assertEquals("3\r", new String(chunks.untaken(), StandardCharsets.UTF_8));
        chunks.decode(bytes, 2, bytes.length, new Buffer());
        assertEquals(null, chunks.untaken());
    }

    @ParameterizedTest
    @ValueSource(strings = {"x\r\n", "\r\n", "-5\r\n", "5\r\nhelloX", "5\r\nhello\rX", "ffffffffffffffff\r\n",
            "7fffffffffffffff\r\n", "0x5\r\n"})
    void whatIsNoChunkIsRefused(String bytes) {
        assertRefused(bytes);
    }

    @Test
    void aSizeThatDoesNotEndIsRefused() {
        assertRefused("0".repeat(5000));
    }

    private static void assertRefused(String text) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        var chunks = new ChunkDecoder();
        chunks.decode(bytes, 0, bytes.length, new Buffer());
        assertThrows(ProtocolException.class, chunks::isAtLast);
    }

    @Test
    void theReasonOfARefusalIsSaid() {
        for (var each : List.of("x\r\n; not the size of a chunk: x", "3\r\nabcd; a chunk is longer than its size",
                "0".repeat(5000) + "; the size of a chunk does not end")) {
            var bytes = each.split("; ")[0].getBytes(StandardCharsets.UTF_8);
            var chunks = new ChunkDecoder();
            chunks.decode(bytes, 0, bytes.length, new Buffer());
            assertEquals(each.split("; ")[1], assertThrows(ProtocolException.class, chunks::isAtLast).getMessage());
        }
    }

    @Test
    void aSizeMayHaveALongExtension() throws Exception {
        var bytes = ("1;" + "x".repeat(4090) + "\r\na\r\n0\r\n").getBytes(StandardCharsets.UTF_8);
        var chunks = new ChunkDecoder();
        var content = new Buffer();
        assertEquals(bytes.length, chunks.decode(bytes, 0, bytes.length, content));
        assertTrue(chunks.isAtLast());
        assertEquals("a", content.readUtf8());
    }

    // Lines and events

    /** Notes each event as its type and data, and the end of lines; wants no more after so many events. */
    private static EventStream stream(List<String> seen, long mostEventBytes, int wanted) {
        return new EventStream(mostEventBytes, true, EventFields.LINES, new EventStream.Receiver() {
            private int received;

            @Override
            public void lines() {
                seen.add("lines");
            }

            @Override
            public boolean event(String type, String data) {
                seen.add(type + " " + data);
                return ++received < wanted;
            }
        });
    }

    /** The stall detector must see a line when it ends, not when the next one begins. */
    @Test
    void aLineEndIsSeenInTheReadThatBringsIt() throws Exception {
        for (var lineEnd : List.of("\n", "\r\n", "\r")) {
            var seen = new ArrayList<String>();
            var stream = stream(seen, 1 << 20, Integer.MAX_VALUE);
            var expected = List.of(List.of("lines"), List.of("lines"), List.of("lines", "null {}"), List.of());
            var pieces = List.of(": ping" + lineEnd, "data: {}" + lineEnd, lineEnd, "data: x");
            for (int i = 0; i < pieces.size(); i++) {
                stream.incoming().writeUtf8(pieces.get(i));
                stream.decode();
                assertEquals(expected.get(i), seen);
                seen.clear();
            }
        }
    }

    @Test
    void eventsAreParsedOnceTheyAreWhole() throws Exception {
        var seen = new ArrayList<String>();
        var stream = stream(seen, 1 << 20, Integer.MAX_VALUE);
        stream.incoming().writeUtf8("data: a\n\nevent: x\ndata: b\ndata: c\n\n: ping\n\ndata: d\n");
        assertTrue(stream.decode());
        assertEquals(List.of("lines", "null a", "x b\nc"), seen);
        assertTrue(stream.decode(), "nothing new");
        stream.incoming().writeUtf8("\n");
        assertTrue(stream.decode());
        assertEquals(List.of("lines", "null a", "x b\nc", "lines", "null d"), seen);
        stream.end();
    }

    @Test
    void nothingFollowsTheLastEventThatIsWanted() throws Exception {
        var seen = new ArrayList<String>();
        var stream = stream(seen, 1 << 20, 2);
        stream.incoming().writeUtf8("data: a\n\ndata: b\n\ndata: c\n\nerror: x\n");
        assertFalse(stream.decode());
        assertEquals(List.of("lines", "null a", "null b"), seen);
    }

    /** A mark may come byte by byte; what only begins like one is text. */
    @Test
    void aByteOrderMarkIsDropped() throws Exception {
        for (var start : List.of(new int[] {0xef, 0xbb, 0xbf}, new int[0])) {
            var seen = new ArrayList<String>();
            var stream = stream(seen, 1 << 20, Integer.MAX_VALUE);
            for (var each : start) {
                stream.incoming().writeByte(each);
                stream.decode();
            }
            stream.incoming().writeUtf8("data: a\n\n");
            stream.decode();
            assertEquals(List.of("lines", "null a"), seen);
        }
        var seen = new ArrayList<String>();
        var stream = stream(seen, 1 << 20, Integer.MAX_VALUE);
        stream.incoming().writeByte(0xef).writeByte(0xbb).writeByte('x').writeUtf8("\n\ndata: \uFEFFa\n\n");
        stream.decode();
        assertEquals(List.of("lines", "null \uFEFFa"), seen, "only the first of a stream is a mark");
    }

    /** All on one side of a read: the line that an older llama.cpp ends with, and what only resembles it. */
    @Test
    void anErrorLineEndsTheStream() throws Exception {
        for (var cut = 0; cut <= 22; cut++) {
            var text = "data: a\n\nerror: {\"x\"}\nmore";
            var seen = new ArrayList<String>();
            var stream = stream(seen, 1 << 20, Integer.MAX_VALUE);
            stream.incoming().writeUtf8(text.substring(0, Math.min(cut, text.length())));
            var rest = text.substring(Math.min(cut, text.length()));
            assertEquals("{\"x\"}", assertThrows(EventStream.ErrorLine.class, () -> {
                stream.decode();
                stream.incoming().writeUtf8(rest);
                stream.decode();
            }).getMessage(), "cut at " + cut);
            assertTrue(seen.contains("null a"));
        }
        var seen = new ArrayList<String>();
        var stream = stream(seen, 1 << 20, Integer.MAX_VALUE);
        stream.incoming().writeUtf8("errors: 1\nerro\n error: 2\ndata: error: 3\n\n");
        assertTrue(stream.decode());
        assertEquals(List.of("lines", "null error: 3"), seen);
    }

    @Test
    void theEndOfAStreamIsBetweenTwoLines() throws Exception {
        var whole = stream(new ArrayList<>(), 1 << 20, Integer.MAX_VALUE);
        assertNull(whole.end());
        whole = stream(new ArrayList<>(), 1 << 20, Integer.MAX_VALUE);
        whole.incoming().writeUtf8("data: a\n\n: ping");
        whole.decode();
        assertNull(whole.end());
        for (var rest : List.of("data: b\n", "data", "Error occurred", "id: 5")) {
            var cut = stream(new ArrayList<>(), 1 << 20, Integer.MAX_VALUE);
            cut.incoming().writeUtf8("data: a\n\n" + rest);
            cut.decode();
            assertEquals(rest.strip(), cut.end());
        }
        var withError = stream(new ArrayList<>(), 1 << 20, Integer.MAX_VALUE);
        withError.incoming().writeUtf8("error: the end");
        withError.decode();
        assertEquals("the end", assertThrows(EventStream.ErrorLine.class, withError::end).getMessage());
        var withReturn = stream(new ArrayList<>(), 1 << 20, Integer.MAX_VALUE);
        withReturn.incoming().writeUtf8("data: a\r");
        withReturn.decode();
        assertEquals("data: a", withReturn.end());
    }

    @Test
    void anEventThatFillsTheMemoryIsRefusedAndManySmallOnesAreNot() throws Exception {
        var seen = new ArrayList<String>();
        var stream = stream(seen, 100, Integer.MAX_VALUE);
        for (int i = 0; i < 50; i++) {
            stream.incoming().writeUtf8("data: " + i + "\n\n");
            stream.decode();
        }
        stream.incoming().writeUtf8("x".repeat(100));
        stream.decode();
        stream.incoming().writeUtf8("x");
        assertThrows(EventStream.EndlessEvent.class, stream::decode);
        assertEquals(100, seen.size());
    }

    // What an event tells

    @Test
    void kindsAreReadAsTheyAreWritten() {
        assertEquals("[role, reasoning, content, tool, finish, usage, error, done, other, other, usage]",
                Arrays.stream(EventKind.values()).map(EventKind::word).toList().toString());
        for (var kind : EventKind.values()) {
            assertEquals(kind, EventKind.of(kind.word(), kind.hasEmptyChoice()));
        }
        assertNull(EventKind.of("content", true));
        assertNull(EventKind.of("nothing", false));
        assertEquals(List.of(EventKind.REASONING, EventKind.CONTENT, EventKind.TOOL),
                Arrays.stream(EventKind.values()).filter(EventKind::isGenerated).toList());
        assertEquals(List.of(EventKind.EMPTY_CHOICE, EventKind.EMPTY_CHOICE_WITH_USAGE),
                Arrays.stream(EventKind.values()).filter(EventKind::hasEmptyChoice).toList());
    }

    @Test
    void aLaterCountReplacesAnEarlierOneAndNoneReplacesNothing() {
        var first = new Usage(10, 2, 3, 1);
        assertEquals(first, Usage.UNKNOWN.with(first));
        assertEquals(first, first.with(null));
        assertEquals(first, first.with(Usage.UNKNOWN));
        assertEquals(new Usage(10, 2, 9, 4), first.with(new Usage(null, null, 9, 4)));
        assertEquals(new Usage(11, 2, 3, 1), first.with(new Usage(11, 0, null, null)), "0 replaces no count");
        assertEquals(new Usage(0, null, 4, null), Usage.UNKNOWN.with(new Usage(0, null, 4, null)));
        assertEquals(Usage.UNKNOWN, Usage.UNKNOWN.with(new Usage(0, 0, 0, 0)));
        assertEquals(new Usage(9, null, 0, null), Usage.UNKNOWN.with(new Usage(9, null, 0, null)), "before the first token");
        var about = new StreamEvent.About("stop", first, "type", "model", "print");
        assertEquals(new StreamEvent.About("stop", new Usage(10, 2, 5, 1), "type", "model", "print"),
                about.withCounts(5, StreamEvent.NO_COUNT));
        assertEquals(new StreamEvent.About("stop", new Usage(10, 2, 3, 6), "type", "model", "print"),
                about.withCounts(StreamEvent.NO_COUNT, 6));
    }

    @Test
    void anEventMayTellHowManyTokensThereAreSoFar() {
        assertEquals(StreamEvent.NO_COUNT, new StreamEvent(EventKind.CONTENT, "a", null, false).outputTokens());
        assertEquals(StreamEvent.NO_COUNT, StreamEvent.error("type", "message").outputTokens());
        assertEquals(StreamEvent.NO_COUNT, withUsage(Usage.UNKNOWN).outputTokens());
        assertEquals(0, withUsage(new Usage(5, null, 0, null)).outputTokens());
        assertEquals("type message false", StreamEvent.error("type", "message").about().errorType() + " "
                + StreamEvent.error("type", "message").text()
                + " " + StreamEvent.error("type", "message").last());
    }

    private static StreamEvent withUsage(Usage usage) {
        return new StreamEvent(EventKind.CONTENT, "a", new StreamEvent.About(null, usage, null, null, null), false);
    }
}
