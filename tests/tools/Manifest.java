///usr/bin/env jbang "$0" "$@" ; exit $?
//DESCRIPTION Validate a Kubernetes manifest, unknown fields included
//JAVA 25+
//DEPS io.kubernetes:client-java-api:27.0.0
//DEPS tools.jackson.dataformat:jackson-dataformat-yaml:3.2.4

// Validates a manifest against the model classes of the official Kubernetes client: a field that they do not know, a value of
// another type or a number of shards that is not that of the pods is an error. No cluster is needed. tests/tools/engines.sh runs
// it.
//
// To run just:
//   jbang tests/tools/Manifest.java deploy/kubernetes.yaml

package stream.tools;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;

import io.kubernetes.client.openapi.models.V1Job;
import io.kubernetes.client.openapi.models.V1PersistentVolumeClaim;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MappingIterator;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** Prints the kinds of the objects in a manifest, or what is wrong. */
public class Manifest {

    private Manifest() { }

    public static void main(String... args) throws IOException {
        var kinds = new ArrayList<String>();
        try (MappingIterator<JsonNode> objects = new YAMLMapper().readerFor(JsonNode.class).readValues(Path.of(args[0]))) {
            while (objects.hasNextValue()) {
                var object = objects.nextValue();
                kinds.add(object.path("kind").asString(""));
                switch (kinds.getLast()) {
                    case "Job" -> requireShards(V1Job.fromJson(object.toString()));
                    case "PersistentVolumeClaim" -> V1PersistentVolumeClaim.fromJson(object.toString());
                    default -> throw new IllegalArgumentException("no model is known here for kind '" + kinds.getLast() + "'");
                }
            }
        } catch (RuntimeException e) {
            System.err.println(args[0] + ": " + e.getMessage());
            System.exit(1);
        }
        System.out.println(args[0] + ": " + String.join(", ", kinds));
    }

    /** Each index of the job is a shard of its own. */
    private static void requireShards(V1Job job) {
        var arguments = job.getSpec().getTemplate().getSpec().getContainers().getFirst().getArgs();
        var shard = arguments.get(arguments.indexOf("--shard") + 1);
        if (!"Indexed".equals(job.getSpec().getCompletionMode()) || !shard.equals("auto/" + job.getSpec().getCompletions())) {
            throw new IllegalArgumentException("--shard " + shard + " does not fit " + job.getSpec().getCompletions() + " "
                    + job.getSpec().getCompletionMode() + " completions");
        }
    }
}
