//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES ../metric/Metric.java
//SOURCES ../metric/MetricDefinition.java
//SOURCES ../compare/Aggregate.java
//SOURCES ../compare/BaselineDifference.java
//SOURCES ../compare/Comparison.java
//SOURCES ../compare/Difference.java
//SOURCES ../compare/GroupBy.java
//SOURCES ../compare/GroupResult.java
//SOURCES ../compare/Interval.java
//SOURCES ../compare/LoadCheck.java
//SOURCES ../compare/QuantileInterval.java
//SOURCES ../compare/QuantileRatio.java
//SOURCES ../compare/Sample.java
//SOURCES ../compare/Scope.java
//SOURCES ../compare/SectionResult.java
//SOURCES ../compare/Unit.java
//SOURCES ../compare/Verdict.java

package stream.report;

import stream.compare.Comparison;
import stream.compare.GroupResult;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A comparison as JSON, for other programs and for the page. */
final class ComparisonJson {

    private ComparisonJson() { }

    static ObjectNode of(Comparison comparison) {
        var terms = comparison.terms();
        var json = JsonNodeFactory.instance.objectNode();
        terms.runs().forEach(json.putArray("runs")::add);
        json.put("by", terms.by().word()).put("margin", terms.margin())
                .put("simulated", terms.simulated()).put("headline", comparison.headline());
        comparison.caveats().forEach(json.putArray("notes")::add);
        var sections = json.putArray("sections");
        for (var section : comparison.sections()) {
            var entry = sections.addObject().put("title", section.title()).put("baseline", section.baseline());
            section.headlineCaveats().forEach(entry.putArray("headline_caveats")::add);
            var groups = entry.putArray("groups");
            section.groups().forEach(group -> put(groups.addObject(), group, terms.margin()));
        }
        return json;
    }

    private static void put(ObjectNode json, GroupResult group, double margin) {
        json.put("label", group.label()).put("as", group.definition().word()).put("currency", group.currency());
        var aggregates = json.putObject("figures");
        group.aggregates().forEach((aggregate, value) -> aggregates.put(aggregate.word(), aggregate.rounded(value)));
        var differences = json.putObject("against");
        group.differences().forEach((metric, against) -> {
            var difference = against.difference();
            differences.putObject(metric.word()).put("baseline", against.baseline()).put("unit", difference.unit().word())
                    .put("units", difference.units()).put("size", difference.size()).put("paired", difference.isPaired())
                    .put("for_these_prompts_only", difference.isForThesePromptsOnly()).put("ratio", finite(difference.ratio()))
                    .put("low", finite(difference.lower95())).put("high", finite(difference.upper95()))
                    .put("same_low", difference.interval90() == null ? null : finite(difference.interval90().lower()))
                    .put("same_high", difference.interval90() == null ? null : finite(difference.interval90().upper()))
                    .put("p", difference.pValue()).put("drifting", difference.load().seen())
                    .put("only_prompts", difference.sample().scope().prompts()).put("only_runs", difference.sample().scope().runs())
                    .put("load_may_explain", difference.load().mayExplain())
                    .put("verdict", difference.verdict(margin).word())
                    .put("verdict_words", difference.verdictWords(margin));
        });
        var intervals = json.putObject("intervals");
        group.intervals().forEach((aggregate, interval) -> intervals.putObject(aggregate.word())
                .put("low", finite(interval.lower())).put("high", finite(interval.upper())));
        var tails = json.putObject("tails");
        group.tails().forEach((aggregate, tail) -> tails.putObject(aggregate.word()).put("ratio", finite(tail.ratio()))
                .put("low", finite(tail.lower())).put("high", finite(tail.upper())));
    }

    /** JSON has no infinite numbers. */
    private static Double finite(Double number) {
        return number == null || number.isInfinite() ? null : number;
    }
}
