//JAVA 25+

package stream.prompt;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * One thing to ask, whatever it was read from.
 *
 * @param id          unique in its set, the same each time the set is read
 * @param messages    at least one
 * @param maxTokens   limit of the answer in tokens; null where the prompt brings none
 * @param temperature null where the prompt brings none
 * @param model       the model that the prompt names for itself; null where it names none
 * @param extra       further request parameters that the prompt brings, to be merged into the body
 * @param labels      other columns or keys of the source, kept for the reader
 * @param source      where it stands, {@code file} or {@code file:line}
 */
public record Prompt(String id, List<Message> messages, Integer maxTokens, Double temperature, String model,
              Map<String, Object> extra, Map<String, String> labels, String source) {

    /** One turn of a conversation; the role is system, developer, user, assistant or tool. */
    public record Message(String role, String content) {
        /** Whether it instructs the model, and is not part of the conversation. */
        public boolean isSystem() {
            return role.equals("system") || role.equals("developer");
        }
    }

    /** Returns a prompt that is a conversation so far. */
    public static Prompt ofTurns(String id, List<Message> turns, String source) {
        return new Prompt(id, turns, null, null, null, Map.of(), Map.of(), source);
    }

    public static Prompt ofText(String id, String text, String source) {
        return new Prompt(id, List.of(new Message("user", text)), null, null, null, Map.of(), Map.of(), source);
    }

    /** Whether this is one user message and nothing else. */
    boolean isPlain() {
        return messages.size() == 1 && messages.getFirst().role().equals("user");
    }

    public boolean hasSystem() {
        return messages.stream().anyMatch(Message::isSystem);
    }

    /** Characters of all messages together. */
    public int length() {
        return messages.stream().mapToInt(message -> message.content().length()).sum();
    }

    public Prompt withSystem(String text) {
        var all = new ArrayList<>(List.of(new Message("system", text)));
        all.addAll(messages);
        return new Prompt(id, List.copyOf(all), maxTokens, temperature, model, extra, labels, source);
    }

    /** The same with a line put before the first message, whatever its role. */
    public Prompt beginningWith(String line) {
        var all = new ArrayList<>(messages);
        all.set(0, new Message(all.getFirst().role(), line + "\n" + all.getFirst().content()));
        return new Prompt(id, List.copyOf(all), maxTokens, temperature, model, extra, labels, source);
    }

    Prompt withId(String newId) {
        return new Prompt(newId, messages, maxTokens, temperature, model, extra, labels, source);
    }

    /**
     * The prompt for an endpoint that takes text, not messages. A plain prompt is its own text. Otherwise system
     * messages stay as they are, other turns follow their role, and an open {@code Assistant:} asks for the next:
     * <pre>
     * Answer in one word.
     *
     * User: What is the capital of France?
     *
     * Assistant:</pre>
     */
    public String asText() {
        if (isPlain()) {
            return messages.getFirst().content();
        }
        var text = new StringBuilder();
        for (var message : messages) {
            if (!message.isSystem()) {
                var role = message.role();
                text.append(Character.toUpperCase(role.charAt(0))).append(role, 1, role.length()).append(": ");
            }
            text.append(message.content().strip()).append("\n\n");
        }
        return text.append("Assistant:").toString();
    }
}
