//JAVA 25+
//DEPS org.apache.commons:commons-csv:1.14.1
//DEPS tools.jackson.core:jackson-databind:3.2.4
//DEPS tools.jackson.dataformat:jackson-dataformat-yaml:3.2.4
//SOURCES ../terminal/BadRecords.java
//SOURCES ../terminal/FileEnding.java
//SOURCES ../terminal/UserError.java
//SOURCES HandWrittenJson.java
//SOURCES Prompt.java
//SOURCES UserFile.java

package stream.prompt;

import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.regex.Pattern;

import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVRecord;
import org.apache.commons.csv.DuplicateHeaderMode;
import stream.terminal.BadRecords;
import stream.terminal.FileEnding;
import stream.terminal.UserError;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Reads the prompts of one file, whatever its format. */
final class PromptReader {

    private static final ObjectReader JSON_ELEMENT =
            HandWrittenJson.WITH_COMMENTS.reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** The names of roles in public data sets, and what the API calls them. */
    private static final Map<String, String> ROLES = Map.ofEntries(Map.entry("system", "system"),
            Map.entry("developer", "developer"), Map.entry("user", "user"), Map.entry("human", "user"),
            Map.entry("assistant", "assistant"), Map.entry("gpt", "assistant"), Map.entry("chatgpt", "assistant"),
            Map.entry("bing", "assistant"), Map.entry("bard", "assistant"), Map.entry("model", "assistant"),
            Map.entry("tool", "tool"));

    /** Keys of a request body that this tool decides itself or reads by name; all others go along as they are. */
    private static final Set<String> OWN_BODY_KEYS = Set.of("model", "messages", "prompt", "input", "stream",
            "stream_options", "max_tokens", "max_completion_tokens", "max_output_tokens", "temperature");

    /** The paths of requests of a batch that stream an answer. */
    private static final Pattern STREAMING_PATH = Pattern.compile(".*/(chat/completions|completions|responses|messages)");

    /** What data sets have beside an input: Alpaca, LongBench. */
    private static final List<String> INPUT_BESIDE = List.of("instruction", "context");

    /** Parameters that an answer depends on; outside a batch they would be lost. */
    private static final List<String> PARAMETERS = List.of("tools", "functions", "tool_choice", "function_call", "response_format");

    private static final Pattern HEADING = Pattern.compile("(?im)^##[ \\t]+(system|user|assistant)[ \\t]*$");
    private static final Pattern FRONT_MATTER = Pattern.compile("(?s)\\A---\\n(.*?)\\n?^---[ \\t]*\\n",
            Pattern.MULTILINE);
    private static final Pattern OPEN_FRONT_MATTER = Pattern.compile("\\A---\\n\\w+:");
    private static final Pattern CHATML_TURN =
            Pattern.compile("(?s)<\\|im_start\\|>([^\\n<]*)\\n?(.*?)(<\\|im_end\\|>|(?=<\\|im_start\\|>)|\\z)");

    private final Path file;
    private final String name;
    private final BadRecords bad;

    /** A record that cannot be used is added to the bad ones, and reading goes on with the next. */
    PromptReader(Path file, BadRecords bad) {
        this.file = file;
        this.name = file.getFileName().toString();
        this.bad = bad;
    }

    /** Returns the good prompts of the file; throws UserError if it cannot be used as a whole. */
    List<Prompt> read() throws IOException {
        return read(Files.readAllBytes(file));
    }

    /** The same of bytes that are read already. */
    List<Prompt> read(byte[] bytes) {
        return read(UserFile.decode(file.toString(), bytes));
    }

    private List<Prompt> read(String text) {
        return switch (FileEnding.of(file)) {
            case "txt" -> List.of(plainText(name, file.toString(), text));
            case "md" -> List.of(markdown(text));
            case "jsonl" -> jsonLines(text);
            case "json" -> json(text);
            case "csv" -> csv(text);
            case "chatml" -> List.of(chatml(text));
            default -> throw new IllegalArgumentException(file.toString());
        };
    }

    static Prompt plainText(String id, String where, String text) {
        if (text.isBlank()) {
            throw UserError.at(where, "empty; write a prompt into it");
        }
        return Prompt.ofText(id, text.stripTrailing(), where);
    }

    private Prompt markdown(String text) {
        var matter = FRONT_MATTER.matcher(text);
        if (!matter.find()) {
            if (OPEN_FRONT_MATTER.matcher(text).find()) {
                throw UserError.at(at(1), "the front matter has no closing --- line");
            }
            return fields(Map.of(), name, file.toString()).prompt(chatFromHeadings(text, 0));
        }
        var fields = fields(frontMatter(matter.group(1)), name, file.toString());
        return fields.prompt(chatFromHeadings(text.substring(matter.end()), lines(matter.group())));
    }

    private Map<String, String> frontMatter(String yaml) {
        try {
            var fields = new LinkedHashMap<String, String>();
            var node = YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build().readTree(yaml);
            if (!node.isObject() && !node.isMissingNode() && !node.isNull()) {
                throw UserError.at(at(2), "the front matter is not 'key: value' lines");
            }
            node.properties().stream().filter(entry -> !entry.getValue().isNull())
                    .forEach(entry -> fields.put(entry.getKey(), text(entry.getValue())));
            return fields;
        } catch (JacksonException e) {
            throw UserError.at(at(1 + Math.max(1, HandWrittenJson.line(e))),
                    "the front matter is not YAML: " + HandWrittenJson.problem(e));
        }
    }

    private List<Prompt.Message> chatFromHeadings(String text, int linesBefore) {
        var heading = HEADING.matcher(text);
        if (!heading.find()) {
            return List.of(new Prompt.Message("user", notBlank(at(linesBefore + 1), text.strip(), "the prompt")));
        }
        if (!text.substring(0, heading.start()).isBlank()) {
            throw UserError.at(at(linesBefore + 1), "text before the first '## role' heading; move it below one");
        }
        var messages = new ArrayList<Prompt.Message>();
        do {
            var role = heading.group(1).toLowerCase(Locale.ROOT);
            var where = at(linesBefore + 1 + lines(text.substring(0, heading.start())));
            var from = heading.end();
            var to = heading.find() ? heading.start() : text.length();
            messages.add(new Prompt.Message(role, notBlank(where, text.substring(from, to).strip(), "## " + role)));
            if (to == text.length()) {
                return messages;
            }
        } while (true);
    }

    private Prompt chatml(String text) {
        var turn = CHATML_TURN.matcher(text);
        var messages = new ArrayList<Prompt.Message>();
        while (turn.find()) {
            var where = at(1 + lines(text.substring(0, turn.start())));
            var open = turn.group(3).isEmpty();
            if (open && turn.end() == text.length() && turn.group(2).isBlank() && !messages.isEmpty()) {
                break; // the open turn at the end only says that the assistant is to speak
            }
            if (open) {
                throw UserError.at(where, "this turn has no <|im_end|>");
            }
            messages.add(new Prompt.Message(role(where, turn.group(1).strip()),
                    notBlank(where, turn.group(2).strip(), "this turn")));
        }
        if (messages.isEmpty()) {
            throw UserError.at(file.toString(), "no <|im_start|> turn in it");
        }
        return fields(Map.of(), name, file.toString()).prompt(messages);
    }

    private List<Prompt> jsonLines(String text) {
        var prompts = new ArrayList<Prompt>();
        var line = 0;
        for (var json : text.split("\n", -1)) {
            line++;
            if (!json.isBlank()) {
                addOrReport(prompts, at(line), () -> HandWrittenJson.STRICT.readTree(json), name + ":" + line);
            }
        }
        return notEmpty(prompts);
    }

    private List<Prompt> json(String text) {
        var prompts = new ArrayList<Prompt>();
        try (var parser = HandWrittenJson.WITH_COMMENTS.createParser(text)) {
            var first = parser.nextToken();
            if (first == null) {
                return notEmpty(prompts);
            }
            if (first != JsonToken.START_ARRAY) {
                var node = (JsonNode) JSON_ELEMENT.readTree(parser);
                requireEnd(parser, "value");
                addOrReport(prompts, at(1), () -> node, name);
                return notEmpty(prompts);
            }
            var lastLine = 0;
            var onLine = 0;
            var record = 0;
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                var line = parser.currentTokenLocation().getLineNr();
                onLine = line == lastLine ? onLine + 1 : 1;
                lastLine = line;
                var node = (JsonNode) JSON_ELEMENT.readTree(parser);
                record++;
                addOrReport(prompts, at(line) + (onLine == 1 ? "" : ", record " + record), () -> node,
                        name + ":" + line + (onLine == 1 ? "" : "." + onLine));
            }
            requireEnd(parser, "array");
        } catch (JacksonException e) {
            throw UserError.at(at(HandWrittenJson.line(e)), "not JSON: " + HandWrittenJson.problem(e));
        }
        return notEmpty(prompts);
    }

    private void requireEnd(JsonParser parser, String what) {
        if (parser.nextToken() != null) {
            throw UserError.at(at(parser.currentTokenLocation().getLineNr()),
                    "more after the end of the " + what + "; put all into one array, or name the file .jsonl");
        }
    }

    private void addOrReport(List<Prompt> prompts, String place, Callable<JsonNode> json, String id) {
        try {
            var node = json.call();
            var own = node.hasNonNull("custom_id") ? node.get("custom_id") : node.path("id");
            prompts.add(ofJson(node, own.isValueNode() ? place + " (id " + text(own) + ")" : place, id,
                    place.replaceFirst(", record.*", "")));
        } catch (UserError e) {
            bad.add(e.getMessage());
        } catch (JacksonException e) {
            bad.add(place + ": not JSON: " + HandWrittenJson.problem(e));
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * An OpenAI Batch line, a ShareGPT conversation, or an object with prompt or messages.
     *
     * @param where  names the record in messages
     * @param source the place of the prompt
     */
    private Prompt ofJson(JsonNode node, String where, String defaultId, String source) {
        if (node.isString()) {
            return plainText(defaultId, source, node.stringValue());
        }
        if (!node.isObject()) {
            throw UserError.at(where, "neither an object nor a text");
        }
        var batch = node.path("body").isObject();
        var body = batch ? node.get("body") : node;
        if (batch && node.hasNonNull("url") && !STREAMING_PATH.matcher(text(node.get("url"))).matches()) {
            throw UserError.at(where, "a request for " + text(node.get("url")) + ", which does not stream; leave it out");
        }
        var dropped = batch ? null : PARAMETERS.stream().filter(body::hasNonNull).findFirst().orElse(null);
        if (dropped != null) {
            throw UserError.at(where, dropped
                    + " is sent in the body of a batch alone; put it there, or into extra of a --models file");
        }
        if (!batch && body.path("input").isString() && !body.has("prompt") && !body.has("messages")) {
            throw UserError.at(where, INPUT_BESIDE.stream().filter(body::has).findFirst()
                    .map(key -> key + " and input are not put together yet;"
                    + " write both into prompt").orElse("input is not read outside the body of a batch; call it prompt"));
        }
        var known = new LinkedHashMap<String, String>();
        node.properties().forEach(entry -> {
            if (entry.getValue().isValueNode() && !entry.getValue().isNull()) {
                known.put(entry.getKey(), text(entry.getValue()));
            }
        });
        for (var key : List.of("prompt", "input", "stream")) {
            known.remove(key);
        }
        if (node.hasNonNull("custom_id")) {
            known.put("id", text(node.get("custom_id")));
            known.remove("custom_id");
        }
        for (var key : List.of("max_tokens", "max_completion_tokens", "max_output_tokens", "temperature", "model")) {
            var target = key.startsWith("max_") ? "max_tokens" : key;
            if (body.hasNonNull(key)) {
                known.remove(key);
                known.put(target, text(body.get(key)));
            }
        }
        var extra = new LinkedHashMap<String, Object>();
        if (batch) {
            body.properties().stream().filter(entry -> !OWN_BODY_KEYS.contains(entry.getKey()))
                    .forEach(entry -> extra.put(entry.getKey(), entry.getValue()));
        }
        var fields = fields(known, defaultId, where, source);
        return fields.prompt(messages(body, where), extra);
    }

    private List<Prompt.Message> messages(JsonNode body, String where) {
        if (body.path("messages").isArray()) {
            return conversation(body.get("messages"), "role", "content", where, false);
        }
        if (body.path("conversations").isArray()) {
            return conversation(body.get("conversations"), "from", "value", where, true);
        }
        if (body.path("input").isArray()) {
            return conversation(body.get("input"), "role", "content", where, false);
        }
        var messages = new ArrayList<Prompt.Message>();
        if (body.path("system").isString()) {
            messages.add(new Prompt.Message("system", body.get("system").stringValue()));
        }
        for (var key : List.of("prompt", "input")) {
            if (body.path(key).isString()) {
                messages.add(new Prompt.Message("user", notBlank(where, body.get(key).stringValue(), key)));
                return messages;
            }
            if (body.has(key)) {
                throw UserError.at(where, key + " is not a text; write one prompt a line");
            }
        }
        throw UserError.at(where, "none of prompt, messages, conversations, body.messages or body.prompt in it");
    }

    private List<Prompt.Message> conversation(JsonNode turns, String roleKey, String textKey, String where,
                                              boolean untilAssistant) {
        var messages = new ArrayList<Prompt.Message>();
        for (var turn : turns) {
            var role = role(where, text(turn.path(roleKey)));
            if (untilAssistant && role.equals("assistant")) {
                break;
            }
            if (role.equals("tool") || turn.path("tool_calls").isArray() && !turn.path("tool_calls").isEmpty()
                    || turn.path("function_call").isObject()) {
                throw UserError.at(where, "turn " + (messages.size() + 1)
                        + " is a tool call or its result, which are not sent yet; leave it out");
            }
            messages.add(new Prompt.Message(role, content(turn.path(textKey), where)));
        }
        if (messages.isEmpty()) {
            throw UserError.at(where, "no turn to answer in the conversation");
        }
        return messages;
    }

    private String content(JsonNode content, String where) {
        if (content.isString()) {
            return notBlank(where, content.stringValue(), "content");
        }
        var text = new StringBuilder();
        for (var part : content) {
            if (!part.path("text").isString()) {
                throw UserError.at(where, "a content part of type '" + part.path("type").asString("?")
                        + "'; only text can be streamed");
            }
            text.append(part.get("text").stringValue());
        }
        return notBlank(where, text.toString(), "content");
    }

    private List<Prompt> csv(String text) {
        var format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).setTrim(false)
                .setDuplicateHeaderMode(DuplicateHeaderMode.DISALLOW).setIgnoreEmptyLines(true).get();
        var prompts = new ArrayList<Prompt>();
        try (var parser = format.parse(new StringReader(text))) {
            if (!parser.getHeaderNames().contains("prompt")) {
                throw UserError.at(at(1), "no column 'prompt' in the header; the first line names the columns");
            }
            var line = parser.getCurrentLineNumber() + 1;
            for (var row : parser) {
                addRow(prompts, row, line);
                line = parser.getCurrentLineNumber() + 1;
            }
        } catch (UncheckedIOException e) {
            throw UserError.at(file.toString(), "not CSV, look for an open quote: " + HandWrittenJson.problem(e.getCause()));
        } catch (IOException | IllegalArgumentException e) {
            throw UserError.at(file.toString(), "not CSV: " + HandWrittenJson.problem(e));
        }
        return notEmpty(prompts);
    }

    private void addRow(List<Prompt> prompts, CSVRecord row, long line) {
        try {
            if (!row.isConsistent()) {
                throw UserError.at(at(line), row.size() + " fields where the header has "
                        + row.getParser().getHeaderNames().size() + "; quote a text that has commas");
            }
            var known = new LinkedHashMap<>(row.toMap());
            known.values().removeIf(String::isEmpty);
            var where = at(line) + (known.containsKey("id") ? " (id " + known.get("id") + ")" : "");
            var messages = new ArrayList<Prompt.Message>();
            var system = known.remove("system");
            if (system != null) {
                messages.add(new Prompt.Message("system", system));
            }
            messages.add(new Prompt.Message("user", notBlank(where, known.remove("prompt"), "prompt")));
            prompts.add(fields(known, name + ":" + line, where, at(line)).prompt(messages));
        } catch (UserError e) {
            bad.add(e.getMessage());
        }
    }

    /** The fields that any format may bring beside the text, checked. */
    private record Fields(String id, String system, Integer maxTokens, Double temperature, String model,
                          Map<String, String> labels, String source) {

        Prompt prompt(List<Prompt.Message> messages) {
            return prompt(messages, Map.of());
        }

        Prompt prompt(List<Prompt.Message> messages, Map<String, Object> extra) {
            var prompt = new Prompt(id, List.copyOf(messages), maxTokens, temperature, model, extra, labels, source);
            return system == null || prompt.hasSystem() ? prompt : prompt.withSystem(system);
        }
    }

    private Fields fields(Map<String, String> found, String defaultId, String where) {
        return fields(found, defaultId, where, where);
    }

    private Fields fields(Map<String, String> found, String defaultId, String where, String source) {
        var labels = new LinkedHashMap<>(found);
        var id = labels.remove("id");
        var system = labels.remove("system");
        var maxTokens = labels.remove("max_tokens");
        var temperature = labels.remove("temperature");
        var model = labels.remove("model");
        return new Fields(id == null || id.isBlank() ? defaultId : id.strip(), system,
                maxTokens == null ? null : wholeNumber(where, "max_tokens", maxTokens),
                temperature == null ? null : number(where, "temperature", temperature),
                model, labels, source);
    }

    private static int wholeNumber(String where, String field, String value) {
        try {
            var number = Integer.parseInt(value.strip());
            if (number >= 1) {
                return number;
            }
        } catch (NumberFormatException e) {
            // reported below
        }
        throw UserError.at(where, field + " is '" + value + "'; must be a whole number, at least 1");
    }

    private static double number(String where, String field, String value) {
        try {
            var number = Double.parseDouble(value.strip());
            if (number >= 0 && number <= 2) {
                return number;
            }
        } catch (NumberFormatException e) {
            // reported below
        }
        throw UserError.at(where, field + " is '" + value + "'; must be a number from 0 to 2");
    }

    private static String role(String where, String role) {
        var known = ROLES.get(role.toLowerCase(Locale.ROOT));
        if (known == null) {
            throw UserError.at(where, "unknown role '" + role + "'; use system, user or assistant");
        }
        return known;
    }

    private static String notBlank(String where, String text, String what) {
        if (text == null || text.isBlank()) {
            throw UserError.at(where, what + " is empty");
        }
        return text;
    }

    private List<Prompt> notEmpty(List<Prompt> prompts) {
        if (prompts.isEmpty() && bad.isEmpty()) {
            throw UserError.at(file.toString(), "no prompts in it");
        }
        return prompts;
    }

    private String at(long line) {
        return file + ":" + line;
    }

    private static int lines(String text) {
        return (int) text.chars().filter(c -> c == '\n').count();
    }

    private static String text(JsonNode value) {
        return value.isString() ? value.stringValue() : value.isMissingNode() ? "" : value.toString();
    }
}
