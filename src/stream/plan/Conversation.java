//JAVA 25+
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/Model.java

package stream.plan;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import stream.api.Model;
import stream.prompt.Prompt;

/** What a user has asked and each model has answered, in their order. Not safe for use by several threads. */
public final class Conversation {

    private final Map<String, List<Prompt.Message>> turns = new HashMap<>(); // by the label of the model

    /** Returns the next question to a model, after what was said before; a question without an answer is forgotten. */
    public Prompt ask(Model model, String id, String question) {
        var messages = turns.computeIfAbsent(model.label(), absent -> new ArrayList<>());
        if (!messages.isEmpty() && messages.getLast().role().equals("user")) {
            messages.removeLast();
        }
        messages.add(new Prompt.Message("user", question));
        return Prompt.ofTurns(id, List.copyOf(messages), "--ask");
    }

    /** Keeps what a model has answered; null or an empty text is no answer. */
    public void answer(String label, String text) {
        if (text != null && !text.isEmpty()) {
            turns.get(label).add(new Prompt.Message("assistant", text));
        }
    }
}
