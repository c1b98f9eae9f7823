package stream.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;

import org.jline.utils.WCWidth;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is on the lines of a terminal when a text has been written to it in pieces. */
@Execution(ExecutionMode.CONCURRENT)
class WordWrapTest {

    private static final Pattern PART = Pattern.compile("\033\\[(\\d+)D\033\\[K|(?s).");

    /** Does what a terminal does with what was written: moves the cursor to the left, erases to the end of the line. */
    private static List<String> screen(String written) {
        var lines = new ArrayList<StringBuilder>(List.of(new StringBuilder()));
        var parts = PART.matcher(written);
        while (parts.find()) {
            if (parts.group(1) != null) {
                for (int columns = Integer.parseInt(parts.group(1)); columns > 0; ) {
                    var last = lines.getLast().codePointBefore(lines.getLast().length());
                    columns -= WCWidth.wcwidth(last);
                    lines.getLast().setLength(lines.getLast().length() - Character.charCount(last));
                }
            } else if (parts.group().equals("\n")) {
                lines.add(new StringBuilder());
            } else {
                lines.getLast().append(parts.group());
            }
        }
        return lines.stream().map(StringBuilder::toString).toList();
    }

    private static int columns(String line) {
        return line.codePoints().map(WCWidth::wcwidth).sum();
    }

    /** In this order: the pieces, separated by |, and the lines of a terminal of 11 columns, of which ten are used. */
    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {
        "one| two| three; one two/three", "one two th|ree; one two/three", "one two thr|.; one two/thr.",
                "0123456789|ab; 0123456789/ab",
        "a 0123456789ab; a/0123456789/ab", "one two 12 |x; one two 12/x", "日本語日本語; 日本語日本/語", "a 日本語日|本; a/日本語日本"})
    void wordsStayWhole(String pieces, String lines) {
        var wrap = new WordWrap(11);
        var written = new StringBuilder();
        for (var piece : pieces.strip().split("\\|")) {
            written.append(wrap.next(piece));
        }
        assertEquals(List.of(lines.strip().split("/")), screen(written.toString()).stream().map(String::stripTrailing).toList());
    }

    /** A row of a table is aligned by what a terminal shows of it, not by how many characters Java counts. */
    @Test
    void aTableOfWideNamesIsAligned() {
        var table = new Table().column("model", true).labels().column("n", false);
        table.row(List.of("通义千问", "1")).row(List.of("gpt-4", "22")).row(List.of("e\u0301t\u00e9 🌊", "333"));
        assertEquals("""
                model       n
                通义千问    1
                gpt-4      22
                e\u0301té 🌊    333
                """, table.text());
        assertEquals(List.of("通...问", "通义千问", "ab...yz"),
                List.of(OneLine.withoutMiddle("通义千问", 7), OneLine.withoutMiddle("通义千问", 8),
                OneLine.withoutMiddle("abcdefghijklmnopqrstuvwxyz", 7)));
        assertEquals("通义\n  千问\n  ab", OneLine.wrapped("通义 千问 ab", 7, "  "));
    }

    @Test
    void howeverATextIsCutItsWordsAreWholeAndItsLinesFit() {
        var random = new Random(3);
        var text = "The ocean is 3,700 metres deep on average, and almost 11,000 metres in the Mariana Trench.\nBees dance: 深い海 "
                + "is deep. ".repeat(9);
        for (int round = 0; round < 50; round++) {
            var wrap = new WordWrap(24);
            var written = new StringBuilder();
            for (int at = 0; at < text.length(); ) {
                var end = Math.min(text.length(), at + 1 + random.nextInt(7));
                written.append(wrap.next(text.substring(at, end)));
                at = end;
            }
            var lines = screen(written.toString());
            lines.forEach(line -> assertTrue(columns(line) <= 23, line));
            assertEquals(text.replaceAll("\\s+", " ").strip(), String.join(" ", lines).replaceAll("\\s+", " ").strip());
        }
    }

    @Test
    void aNewLineBeginsAtItsBeginning() {
        var wrap = new WordWrap(11);
        wrap.next("0123456");
        wrap.reset();
        assertEquals("012345 789", wrap.next("012345 789"));
    }
}
