//JAVA 25+
//SOURCES ../prompt/Prompt.java
//SOURCES ../api/Model.java
//SOURCES ../metric/Phase.java
//SOURCES Speaker.java

package stream.plan;

import stream.api.Model;
import stream.metric.Phase;
import stream.prompt.Prompt;

/**
 * One request of the plan.
 *
 * @param requestId  prompt, model and repetition; the same in a later run of the same plan
 * @param repetition from 1
 * @param modelIndex place of the model among those of the run, from 0
 */
public record Job(String requestId, Phase phase, Prompt prompt, Model model, int repetition, int modelIndex) {

    /** Returns what the echo shows of it. */
    public Speaker speaker() {
        return new Speaker(requestId, model.label(), prompt.id(), modelIndex);
    }
}
