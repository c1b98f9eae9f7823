package stream.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

import okio.Buffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The fields of events: our own lines and okhttp-sse read the same from the same. */
@Execution(ExecutionMode.CONCURRENT)
class EventFieldsTest {

    static final List<EventFields> BOTH = List.of(EventFields.LINES, EventFields.OKHTTP);

    private static final List<String> LINES = List.of("", "", "data", "data:", "data: ", "data:  two",
            "data: one", "data:tight", "data : x",
            "datax: y", "event", "event:", "event: ", "event: type", "event:type:more", "id: 7", "id:", "id: \0",
            "retry: 10", "retry: soon",
            ": comment", ":", "unknown: field", "no field", " data: indented", "DATA: large", "data: ünïcode 🌊");

    private static List<String> events(EventFields fields, String text, int most) throws IOException {
        var events = new ArrayList<String>();
        fields.read(new Buffer().writeUtf8(text), (type, data) -> {
            events.add(type + "|" + data);
            return events.size() < most;
        });
        return events;
    }

    @ParameterizedTest
    @FieldSource("BOTH")
    void fieldsAreReadAsTheStandardSays(EventFields fields) throws IOException {
        assertEquals(List.of("null|one\ntwo", "t|", "null|last"), events(fields,
                "data: one\nid: 1\ndata:two\n\n:c\n\nevent: lost\n\nevent: t\ndata\n\nevent:\ndata: last\n\n", 9));
        assertEquals(List.of("null|a"), events(fields, "data: a\n\ndata: b\n\n", 1), "no more than are wanted");
        assertThrows(IllegalStateException.class, () -> fields.read(new Buffer().writeUtf8("data: a\n\n"), (type, data) -> {
            throw new IllegalStateException();
        }));
    }

    @Test
    void ourOwnLinesGiveWhatOkHttpGives() throws IOException {
        for (int seed = 0; seed < 3000; seed++) {
            var random = new Random(seed);
            var text = String.join("\n", IntStream.range(0, random.nextInt(12))
                    .mapToObj(i -> LINES.get(random.nextInt(LINES.size()))).toList())
                    + "\n\n";
            assertEquals(events(EventFields.OKHTTP, text, 99), events(EventFields.LINES, text, 99), "seed " + seed + ": " + text);
        }
    }
}
