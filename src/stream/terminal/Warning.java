//JAVA 25+

package stream.terminal;

/** What a user should know about a run or a comparison, each with its cause and the next step. */
public enum Warning {
    COMPRESSED("%s sends compressed streams; their timing is the compressor's. Turn the compression off at the server or proxy."),
    BUFFERED("the stream was buffered on its way, %s of its tokens came together with the one before: its TTFT, ITL and TPOT are "
    + "those of the"
            + " buffer."),
    MISNAMED("%s sends events as %s, not as text/event-stream; other clients may not read them. Set the type at the server or a "
    + "proxy before it."),
    NO_USAGE("%s refuses stream_options; output tokens are counted from events. A newer version of the server may accept it."),
    PARAMETER_RENAMED("%s refuses %s; %s is sent instead."),
    PARAMETER_LEFT_OUT("%s refuses %s; it is left out, and the server's default applies."),
    LOADING("%s: the server is loading the model. Its requests wait, for at most --timeout %s s."),
    POSTPONED("%s: the server asks to wait for %s s, longer than --timeout %s. No other request of it is sent. %s."),
    OVERHEAD("the error of the client is more than a tenth of what was measured with %s. Use a larger machine, or a lower"
            + " concurrency."),
    PAUSED("this process was paused while it measured; the column tainted of %s tells in which rows. Stop other programs."),
    MODEL_IN_PROMPT("%s; the models that these prompts name are ignored, because --model names others. Leave --model out to"
            + " use them."),
    REASONING_ALONE("%s with reasoning only, without a visible text. The token limit may have ended it; raise --max-tokens."),
    COUNT_CONTRADICTED("%s with at least twice as many events with text as the server counts tokens, so that TPOT and tokens/s "
    + "are wrong."
            + " Compare ITL."),
    SEVERAL_CHOICES("%s whose tokens the server counts together with those of other choices (n above 1), so without TPOT and "
    + "tokens/s."
            + " Ask for one choice."),
    THOUGHTS_IN_TEXT("%s with thoughts inside the visible text, so that TTFT is that of the first thought. --think-tags reads "
    + "them as"
            + " reasoning."),
    NOTHING_GENERATED("%s completed an answer without any text, reasoning or tool call%s. Look at its events with --echo events."),
    LATE("the time of --start-at is past by %s s; the run begins now, later than others may. Name a later time, engines take a "
    + "while to start."),
    ONE_MODEL("%s are one model: the server answers for each of them as %s. A difference between them is chance.");

    private final String pattern;

    Warning(String pattern) {
        this.pattern = pattern;
    }

    public String text(Object... what) {
        return pattern.formatted(what);
    }

    public String about(Object... what) {
        return "warning: " + text(what);
    }
}
