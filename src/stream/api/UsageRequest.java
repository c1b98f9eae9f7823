//JAVA 25+

package stream.api;

/** Which token counts a request asks for inside the stream. */
public enum UsageRequest {
    /** None, for servers that refuse the parameter. */
    NONE,
    /** Those of the whole answer, at its end. */
    AT_THE_END,
    /** Also those so far with each event, which vLLM and others offer. */
    WITH_EACH_EVENT
}
