//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES EventParser.java
//SOURCES StreamEvent.java

package stream.api;

import java.util.Objects;
import java.util.Set;

import tools.jackson.core.JsonParser;

/** Events of the chat and the completions API, which differ in what a choice holds. */
final class ChoicesParser extends EventParser {

    /** Finish reasons with which a server tells that it failed: of OpenRouter, of Zhipu, of vLLM. */
    private static final Set<String> FAILURES = Set.of("error", "network_error", "abort");

    private boolean measured; // whether the choice that is measured has been read
    private boolean hasOthers;
    private int index;
    private boolean choiceFailed;

    ChoicesParser(JsonParser json) {
        super(json);
    }

    @Override
    void readMember(String name) {
        switch (name) {
            case "choices" -> objectsOfArray(this::readChoice);
            case "x_groq" -> membersOfObject(member -> {
                if (member.equals("usage")) {
                    readUsage();
                }
            });
            default -> super.readMember(name);
        }
    }

    @Override
    StreamEvent.Choices choices() {
        return measured ? hasOthers ? StreamEvent.Choices.ALL : StreamEvent.Choices.FIRST
                : hasOthers ? StreamEvent.Choices.OTHERS : StreamEvent.Choices.NONE;
    }

    /** Reads a choice. The one of index 0 is measured; the text of another, which has a clock of its own, is kept apart. */
    private void readChoice() {
        if (measured) {
            hasOthers = true;
            return;
        }
        index = 0;
        choiceFailed = false;
        members(this::readMemberOfChoice);
        measured = index == 0;
        if (!measured) {
            hasOthers = true;
            apart = content != null ? content : reasoning != null ? reasoning : tool;
            content = reasoning = tool = finishReason = null;
            opensAnswer = false;
        } else if (choiceFailed || finishReason != null && FAILURES.contains(finishReason)) {
            failed("the server ended the answer with finish_reason " + finishReason);
        }
    }

    private void readMemberOfChoice(String name) {
        switch (name) {
            case "index" -> index = Objects.requireNonNullElse(count(), 0);
            case "text" -> readContent();
            case "finish_reason" -> finishReason = text();
            case "delta" -> membersOfObject(this::readDelta);
            case "error" -> choiceFailed |= isErrorGiven();
            default -> { }
        }
    }

    private void readDelta(String name) {
        switch (name) {
            case "role" -> opensAnswer = text() != null;
            case "content", "refusal" -> readContent();
            case "reasoning_content", "reasoning", "thinking" -> readReasoning();
            case "reasoning_details" -> readReasoningParts();
            case "tool_calls", "function_call" -> readToolCalls();
            default -> { }
        }
    }
}
