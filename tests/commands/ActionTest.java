package stream;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import stream.fixtures.TestOrder;
import stream.fixtures.TestRun;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * The steps of action.yml, run as GitHub's runner runs them: a bash that ends at the first error, with files for outputs and
 * summary.
 */
@Execution(ExecutionMode.CONCURRENT)
@Order(TestOrder.FIRST)
class ActionTest {

    private static final Pattern EXPRESSION = Pattern.compile("\\$\\{\\{ *(inputs|steps\\.(\\w+)\\.outputs)\\.([\\w-]+) *\\}\\}");
    private static final String ARGUMENTS =
            "--simulate\n-m\na=sim-ttft30-itl1-n4,b=sim-ttft10-itl1-n4\n-p\nit's a \"question\"\n\n-p\nanother\n-n\n6\n";

    @TempDir
    Path folder;

    private final Map<String, String> inputs = new HashMap<>();
    private final Map<String, Map<String, String>> outputs = new HashMap<>();
    private JsonNode action;
    private String actionPath = new File("").getAbsolutePath();

    /** How a job ended, and what its steps printed. */
    private record Job(int exitCode, String log, String summary) { }

    @BeforeEach
    void readTheAction() {
        action = new YAMLMapper().readTree(Path.of("action.yml"));
        action.get("inputs").properties()
                .forEach(input -> inputs.put(input.getKey(), input.getValue().path("default").asString("")));
    }

    private String evaluated(String text) {
        return EXPRESSION.matcher(text).replaceAll(found -> java.util.regex.Matcher.quoteReplacement(found.group(1).equals("inputs")
                ? inputs.get(found.group(3)) : outputs.getOrDefault(found.group(2), Map.of()).getOrDefault(found.group(3), "")));
    }

    private Job run() throws Exception {
        var log = new StringBuilder();
        var summary = folder.resolve("summary");
        Files.writeString(summary, "");
        for (var step : action.at("/runs/steps")) {
            if (!step.has("run")) {
                continue; // the JDK is there
            }
            var output = Files.writeString(folder.resolve("output"), "");
            var builder = new ProcessBuilder("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c",
                    step.get("run").stringValue())
                    .directory(folder.toFile()).redirectErrorStream(true).redirectOutput(folder.resolve("log").toFile());
            var environment = new LinkedHashMap<String, String>();
            step.path("env").properties().forEach(variable ->
                    environment.put(variable.getKey(), evaluated(variable.getValue().stringValue())));
            environment.put("GITHUB_ACTION_PATH", actionPath);
            environment.put("GITHUB_OUTPUT", output.toString());
            environment.put("GITHUB_STEP_SUMMARY", summary.toString());
            builder.environment().putAll(environment);
            var process = builder.start();
            assertTrue(process.waitFor(120, TimeUnit.SECONDS), "the step ends");
            log.append(Files.readString(folder.resolve("log")));
            var of = new HashMap<String, String>();
            Files.readAllLines(output).forEach(line -> of.put(line.split("=")[0], line.split("=", 2)[1]));
            outputs.put(step.get("id").stringValue(), of);
            if (process.exitValue() != 0) {
                return new Job(process.exitValue(), log.toString(), Files.readString(summary));
            }
        }
        return new Job(0, log.toString(), Files.readString(summary));
    }

    @Test
    @Timeout(180) // it may have to build the scripts
    void aRunIsComparedWithItsBaselineAndTheSummaryIsMarkdown() throws Exception {
        var baseline = TestRun.of(folder.resolve("baseline"), "--simulate", "-m", "a=sim-ttft30-itl1-n4,b=sim-ttft10-itl1-n4", "-p",
                "it's a \"question\"", "-p", "another", "-n", "6", "--echo", "none");
        assertEquals(0, baseline.exitCode(), baseline.err());
        inputs.put("arguments", ARGUMENTS.replace("ttft30", "ttft200"));
        inputs.put("baseline", "baseline");
        inputs.put("fail-if", "ttft_p50 > 2x\nfailed > 0\n\n");
        var slower = run();
        assertEquals(1, slower.exitCode(), slower.log());
        assertTrue(slower.log().contains("::error::compare: --fail-if 'ttft_p50 > 2x': a: new has "), slower.log());
        assertEquals("exceeded", outputs.get("compare").get("verdict"));
        assertTrue(slower.summary().startsWith("**a: to the first token baseline is ")
                && slower.summary().contains("### a\n"), slower.summary());
        assertEquals(outputs.get("measure").get("run"), evaluated(action.at("/outputs/run/value").stringValue()));
        assertEquals("exceeded", evaluated(action.at("/outputs/verdict/value").stringValue()));
        assertEquals(24, Files.readAllLines(folder.resolve(outputs.get("measure").get("run")).resolve("requests.csv")).size() - 1);
        assertFalse(Files.exists(folder.resolve("findings.txt")));
    }

    /** A launcher that writes its arguments down, one per line, and ends as Stream.java and Compare.java do. */
    private void launcher(int streamEnds, int compareEnds) throws Exception {
        var launcher = Files.createDirectories(folder.resolve("action")).resolve("jbang");
        Files.writeString(launcher, """
                #!/bin/bash
                printf '%%s\\n' "${@:2}" >"%1$s/$(basename "$1").arguments"
                [ "$(basename "$1")" = Stream.java ] && { mkdir -p measured/20261125T000000Z-00a1 measured/20261125T000001Z-00a2 measured/watch; exit %2$d; }
                echo "a finding" >&2
                exit %3$d
                """.formatted(folder, streamEnds, compareEnds));
        launcher.toFile().setExecutable(true);
    }

    private List<String> arguments(String script) throws Exception {
        return Files.readAllLines(folder.resolve(script + ".arguments"));
    }

    @Test
    void argumentsGoAlongAsTheyAreAndExitCodesBecomeVerdicts() throws Exception {
        actionPath = folder.resolve("action").toString();
        inputs.put("arguments", "-p\nit's $HOME `date`\n\n-n\n2");
        inputs.put("fail-if", " \nttft_p95 > 1.2x\nfailed > 1%");
        inputs.put("baseline", "none-yet");
        inputs.put("results", "measured");
        launcher(1, 3); // some requests failed, a limit is undecided
        var undecided = run();
        assertEquals(0, undecided.exitCode(), undecided.log());
        assertEquals(List.of("-p", "it's $HOME `date`", "-n", "2", "--echo", "none", "--results", "measured"),
                arguments("Stream.java"));
        assertEquals(List.of("measured/20261125T000001Z-00a2", "--fail-if", "ttft_p95 > 1.2x", "--fail-if",
                "failed > 1%", "--format", "markdown"),
                arguments("Compare.java"));
        assertEquals("undecided", outputs.get("compare").get("verdict"));
        assertEquals("::notice::no baseline in none-yet yet; the models of the run are compared with each other\n::warning::a "
                + "finding\n",
                undecided.log());

        launcher(0, 1);
        inputs.put("fail-if-undecided", "true");
        inputs.put("baseline", "action");
        assertEquals(new Job(1, "::error::a finding\n", ""), run());
        assertEquals(List.of("baseline=action", "new=measured/20261125T000001Z-00a2"), arguments("Compare.java").subList(0, 2));
        assertTrue(arguments("Compare.java").contains("--fail-if-undecided"));
        assertEquals("exceeded", outputs.get("compare").get("verdict"));

        launcher(0, 0);
        assertEquals(0, run().exitCode());
        assertEquals("kept", outputs.get("compare").get("verdict"));
        launcher(0, 2);
        assertEquals(2, run().exitCode(), "wrong usage of Compare.java");
        launcher(2, 0);
        outputs.clear();
        assertEquals(2, run().exitCode(), "wrong usage of Stream.java");
        assertFalse(outputs.containsKey("compare"));
    }
}
