//JAVA 25+

package stream.api;

/**
 * Token counts as the server gives them; null where it gives none.
 *
 * @param inputTokens        of the prompt, without those that the API counts beside them
 * @param cacheTokensBeside  those that were read from a cache or written to it, if the API does not count them as input tokens
 * @param cachedPromptTokens those of the prompt that the server had in its cache
 * @param outputTokens       of the answer, including its reasoning
 * @param reasoningTokens    those of the output that are reasoning
 */
public record Usage(Integer inputTokens, Integer cacheTokensBeside, Integer cachedPromptTokens, Integer outputTokens,
        Integer reasoningTokens) {

    public static final Usage UNKNOWN = new Usage(null, null, null, null);

    /** Counts of an API that counts all tokens of the prompt together. */
    public Usage(Integer promptTokens, Integer cachedPromptTokens, Integer outputTokens, Integer reasoningTokens) {
        this(promptTokens, null, cachedPromptTokens, outputTokens, reasoningTokens);
    }

    /** Returns all tokens of the prompt; null if they are not known. */
    public Integer promptTokens() {
        return inputTokens == null || cacheTokensBeside == null ? inputTokens : Integer.valueOf(inputTokens + cacheTokensBeside);
    }

    /**
     * Returns what is known after a later event. A later count replaces an earlier one, unless it is 0 or null: some gateways send
     * zeros for what they do not know. Where both the input and the output are 0, nothing was counted.
     */
    public Usage with(Usage later) {
        return later == null || later.isOfZeros() ? this : new Usage(later(inputTokens, later.inputTokens),
                later(cacheTokensBeside, later.cacheTokensBeside), later(cachedPromptTokens, later.cachedPromptTokens),
                later(outputTokens, later.outputTokens), later(reasoningTokens, later.reasoningTokens));
    }

    private boolean isOfZeros() {
        return promptTokens() != null && promptTokens() == 0 && outputTokens != null && outputTokens == 0;
    }

    private static Integer later(Integer before, Integer after) {
        return after == null || after == 0 && before != null ? before : after;
    }

    /** Returns the same with other counts of the output. */
    public Usage withCounts(Integer output, Integer reasoning) {
        return new Usage(inputTokens, cacheTokensBeside, cachedPromptTokens, output, reasoning);
    }
}
