//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES AnswerPart.java
//SOURCES SimulatedAnswer.java
//SOURCES SimulatedTypes.java

package stream.simulator;

import java.util.List;

import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** How an answer is written at one endpoint, for one request; methods that return events return whole server-sent events. */
interface SimulatedDialect {
    String promptKey();

    String limitKey();

    SimulatedTypes types();

    List<String> opening(SimulatedAnswer answer);

    /** Returns what precedes the pieces of a part. */
    List<String> begin(SimulatedAnswer answer, AnswerPart part);

    /** Returns a piece of a part; {@code withFinish} if it also says why the answer ended. */
    String delta(SimulatedAnswer answer, AnswerPart part, String text, boolean withFinish);

    /** Returns what follows the pieces of a part. */
    List<String> end(SimulatedAnswer answer, AnswerPart part);

    List<String> closing(SimulatedAnswer answer);

    /** Returns the event with which the API reports a failure inside a stream. */
    String error(String message);

    /** Returns the end of a choice that failed, as OpenRouter writes it; {@code message} may be null. */
    default String failedChoice(String message) {
        return error(String.valueOf(message));
    }

    /** Returns the answer to a request that does not ask for a stream. */
    ObjectNode whole(SimulatedAnswer answer);

    /** Returns the body of a refusal; {@code code} may be null. */
    default ObjectNode refusal(String type, String code, String message) {
        var body = JsonNodeFactory.instance.objectNode();
        body.putObject("error").put("message", message).put("type", type).putNull("param").put("code", code);
        return body;
    }
}
