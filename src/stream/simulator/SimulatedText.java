//JAVA 25+

package stream.simulator;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/** The texts of the simulated models, which fit the question a little. */
final class SimulatedText {

    /**
     * Asked about one of the words, a model answers with the text. In several scripts and with emoji: a client must not split
     * characters.
     */
    private record Paragraph(List<String> words, List<String> tokens) {
        Paragraph(String text, String... words) {
            this(List.of(words), SimulatedText.tokens(text));
        }
    }

    private static final Pattern TOKEN = Pattern.compile("(?s) ?[a-zA-Zäöüß]{1,7}| ?.");

    private static final List<Paragraph> PARAGRAPHS = List.of(
            new Paragraph("Sunlight is a mix of all colours. Air molecules scatter the short blue waves far more than the long red "
                    + "ones, so blue reaches the eye from every side of the sky.", "sky", "blue", "himmel"),
            new Paragraph("The capital of France is Paris. 🗼", "capital", "france", "paris", "hauptstadt"),
            new Paragraph("The ocean is 3,700 metres deep on average, and almost 11,000 metres in the Mariana Trench. 🌊", "ocean",
                    "sea", "deep"),
            new Paragraph("Bees dance to tell each other where the flowers are: the angle gives the direction, the length the "
                    + "distance. 🐝", "bee", "bees"),
            new Paragraph("A monad is a type with a way to wrap a value and a way to chain steps that return wrapped values, so "
            + "that "
                    + "each step can stay simple.", "monad"),
            new Paragraph("2, 3, 5, 7, 11.", "prime", "primes"),
            new Paragraph("Rain on the window,\na small lamp, a half-read page:\nthe night takes its time.", "haiku", "poem",
            "rain"),
            new Paragraph("おはようございます。今日はいい天気ですね。Good morning, it is a fine day. 🌊", "japanese", "morning", "translate"),
            new Paragraph("Das wäre schön: ein kühler Abend, ein Glas Wasser und ein gutes Buch. Mehr braucht es nicht, um "
            + "glücklich "
                    + "zu sein – jedenfalls für heute.", "german", "deutsch", "schön"));

    private static final List<Paragraph> GENERAL = List.of(
            new Paragraph("First, write down what you know. Second, write down what you want to know. Third, find the shortest way "
                    + "between the two, and walk it. ✅"),
            new Paragraph("It depends on what you need. Begin with the simplest thing that could work, measure it, and change "
            + "one thing "
                    + "at a time – then you know what helped. 📏"));

    private SimulatedText() { }

    /** Returns the answer to a question, piece by piece. */
    static List<String> answer(String question) {
        var words = List.of(question.toLowerCase(Locale.ROOT).split("[^\\p{L}]+"));
        return PARAGRAPHS.stream().filter(paragraph -> paragraph.words().stream().anyMatch(words::contains)).findFirst()
                .orElseGet(() -> GENERAL.get(Math.floorMod(question.hashCode(), GENERAL.size()))).tokens();
    }

    /** Splits a text into pieces as a tokenizer does: a word, or some letters of a long one, or a character. */
    static List<String> tokens(String text) {
        var found = new ArrayList<String>();
        var matcher = TOKEN.matcher(text);
        while (matcher.find()) {
            found.add(matcher.group());
        }
        return List.copyOf(found);
    }
}
