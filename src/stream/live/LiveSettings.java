//JAVA 25+
//SOURCES ../api/Model.java
//SOURCES ../api/ModelSettings.java
//SOURCES ../plan/RunSettings.java

package stream.live;

import java.util.List;

import stream.api.Model;
import stream.api.ModelSettings;
import stream.plan.RunSettings;

/**
 * What the page may ask, and how it is asked.
 *
 * @param run          settings of a run; each question has its own system message, sampling, repetitions and concurrency
 * @param models       those that may be asked
 * @param modelOptions how the user named them
 * @param graceMillis  how long the questions of a closed tab go on, from 0
 */
public record LiveSettings(RunSettings run, List<Model> models, ModelSettings modelOptions, long graceMillis) {

    /** Characters of a prompt or a system message. */
    static final int LONGEST_TEXT = 200_000;
    /** Bytes of all files of a question together. */
    static final int MOST_FILE_BYTES = 8 << 20;
    static final int MOST_REPETITIONS = 100;
    /** Requests of one question. */
    static final int MOST_REQUESTS = 10_000;
    /** Questions that are answered at the same time. */
    static final int MOST_QUESTIONS = 4;
    /** Requests in flight, of all questions. */
    static final int MOST_IN_FLIGHT = 32;
    /** Questions that are kept in memory; those before are in their folders. */
    static final int MOST_KEPT = 50;
}
