//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../plan/Shard.java

package stream.record;

import stream.plan.Shard;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * A part of a plan, as run.json has it.
 *
 * @param plan a digest of all that is to be run; the same for all parts
 */
public record ShardEntry(Shard shard, String plan) {

    /** Returns null if there is no such entry. */
    static ShardEntry of(JsonNode json) {
        return !json.path("index").isInt() || !json.path("count").isInt() ? null
                : new ShardEntry(new Shard(json.get("index").intValue(), json.get("count").intValue()),
                json.path("plan").asString(""));
    }

    /** Whether both are parts of the same plan, which is cut into as many. */
    boolean isOfSamePlan(ShardEntry other) {
        return plan.equals(other.plan) && shard.count() == other.shard.count();
    }

    ObjectNode json() {
        return JsonNodeFactory.instance.objectNode().put("index", shard.index()).put("count", shard.count()).put("plan", plan);
    }
}
