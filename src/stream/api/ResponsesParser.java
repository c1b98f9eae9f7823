//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES EventParser.java

package stream.api;

import tools.jackson.core.JsonParser;

/** Events of the Responses API. */
final class ResponsesParser extends EventParser {

    private String delta;

    ResponsesParser(JsonParser json) {
        super(json);
    }

    @Override
    void readMember(String name) {
        switch (name) {
            case "delta" -> readDelta();
            case "response" -> membersOfObject(this::readResponse);
            default -> super.readMember(name);
        }
    }

    /** The type may follow the delta, so it is read as content and sorted in the end. */
    private void readDelta() {
        readContent();
        delta = content;
    }

    private void readResponse(String name) {
        switch (name) {
            case "status" -> finishReason = finishReason != null ? finishReason : text();
            case "usage" -> readUsage();
            case "error" -> readError();
            case "model" -> model = text();
            case "incomplete_details" -> membersOfObject(
                    detail -> finishReason = detail.equals("reason") ? text() : finishReason);
            default -> { }
        }
    }

    @Override
    boolean isLast() {
        return "response.completed".equals(type) || "response.incomplete".equals(type);
    }

    @Override
    void interpret() {
        if (isLast()) {
            return;
        }
        finishReason = null; // it was the status of a response in progress
        content = null;
        switch (String.valueOf(type)) {
            case "response.output_text.delta", "response.refusal.delta" -> content = delta;
            case "response.reasoning_summary_text.delta", "response.reasoning_text.delta" -> {
                reasoning = delta;
                reasoningOffset = contentOffset;
            }
            case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta" ->
                    tool = delta == null ? "" : delta;
            case "response.created" -> opensAnswer = true;
            case "response.failed" -> failed("the response failed");
            default -> { }
        }
    }
}
