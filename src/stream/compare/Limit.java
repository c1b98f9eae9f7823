//JAVA 25+
//SOURCES ../terminal/UserError.java
//SOURCES Aggregate.java
//SOURCES BaselineDifference.java
//SOURCES Comparison.java
//SOURCES Difference.java
//SOURCES GroupResult.java
//SOURCES QuantileRatio.java
//SOURCES SectionResult.java

package stream.compare;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import stream.terminal.UserError;

/** A limit that no group may exceed. */
public final class Limit {

    private static final Pattern SYNTAX =
            Pattern.compile("\\s*([a-z_0-9]+)\\s*(>=|<=|>|<)\\s*([0-9]+(?:\\.[0-9]+)?)\\s*(x|ms|%|)\\s*");

    /** How a figure exceeds the limit. */
    private enum Comparator {
        ABOVE(">"), AT_LEAST(">="), BELOW("<"), AT_MOST("<=");

        private final String sign;

        Comparator(String sign) {
            this.sign = sign;
        }

        static Comparator of(String sign) {
            return Arrays.stream(values()).filter(each -> each.sign.equals(sign)).findFirst().orElseThrow();
        }

        boolean holds(double measured, double limit) {
            return switch (this) {
                case ABOVE -> measured > limit;
                case AT_LEAST -> measured >= limit;
                case BELOW -> measured < limit;
                case AT_MOST -> measured <= limit;
            };
        }
    }

    /** What a limit is a number of. */
    private enum LimitUnit {
        OF_THE_FIGURE(""), MILLISECONDS("ms"), PERCENT("%"), OF_THE_BASELINE("x");

        private final String suffix;

        LimitUnit(String suffix) {
            this.suffix = suffix;
        }

        static LimitUnit of(String suffix) {
            return Arrays.stream(values()).filter(each -> each.suffix.equals(suffix)).findFirst().orElseThrow();
        }
    }

    private final String text;
    private final Aggregate aggregate;
    private final Comparator comparator;
    private final double value;
    private final LimitUnit unit;

    private Limit(String text, Aggregate aggregate, Comparator comparator, double value, LimitUnit unit) {
        this.text = text;
        this.aggregate = aggregate;
        this.comparator = comparator;
        this.value = value;
        this.unit = unit;
    }

    /** Throws UserError if it is not valid. */
    public static Limit of(String text) {
        var parts = SYNTAX.matcher(text);
        if (!parts.matches()) {
            throw new UserError("--fail-if '" + text + "'; must be a figure, a comparison and a limit, such as"
                    + " 'ttft_p95 > 1.2x'");
        }
        var aggregate = Arrays.stream(Aggregate.values())
                .filter(each -> each.word().equals(parts.group(1)) || each.word().equals(parts.group(1) + "_ms")).findFirst()
                .orElseThrow(() -> new UserError("--fail-if '" + text + "': no figure " + parts.group(1)
                        + "; there are " + Arrays.stream(Aggregate.values()).map(Aggregate::word)
                                .collect(Collectors.joining(", "))));
        var unit = LimitUnit.of(parts.group(4));
        if (unit == LimitUnit.MILLISECONDS && !aggregate.word().endsWith("_ms")) {
            throw new UserError("--fail-if '" + text + "': " + aggregate.word() + " is not a time; leave the unit out");
        }
        if (unit == LimitUnit.PERCENT && aggregate != Aggregate.FAILED && aggregate != Aggregate.COALESCED) {
            throw new UserError("--fail-if '" + text + "': " + aggregate.word() + " is not a share; for a ratio to the"
                    + " baseline write 1.2x");
        }
        return new Limit(text, aggregate, Comparator.of(parts.group(2)), Double.parseDouble(parts.group(3)), unit);
    }

    /**
     * What a limit says of a group.
     *
     * @param isUndecided whether the data allow no conclusion; else the limit is exceeded
     * @param message     one line
     */
    public record Finding(boolean isUndecided, String message) { }

    /** Returns a finding for each group that exceeds it, or of which that is not known. */
    public List<Finding> findings(Comparison comparison) {
        var findings = new ArrayList<Finding>();
        for (var section : comparison.sections()) {
            if (unit == LimitUnit.OF_THE_BASELINE && section.groups().size() < 2) {
                findings.add(new Finding(true,
                        message(section, "there is nothing to compare " + section.groups().getFirst().label() + " with")));
                continue;
            }
            if (aggregate.isCost() && section.groups().stream().map(GroupResult::currency).filter(Objects::nonNull)
                    .distinct().count() > 1) {
                findings.add(new Finding(true, message(section, "undecided, costs are in different currencies")));
                continue;
            }
            for (var group : section.groups()) {
                var finding = unit != LimitUnit.OF_THE_BASELINE ? check(section, group)
                        : group.label().equals(section.baseline()) ? null
                        : checkRatio(section, group, section.group(section.baseline()));
                if (finding != null) {
                    findings.add(finding);
                }
            }
        }
        return findings;
    }

    private Finding check(SectionResult section, GroupResult group) {
        var own = group.aggregates().get(aggregate);
        return own == null ? tooFew(section, group) : !exceeds(own / unitOf(group)) ? null
                : new Finding(false, message(section, group.label() + " has " + group.cell(aggregate)));
    }

    private Finding tooFew(SectionResult section, GroupResult group) {
        return new Finding(true, message(section, "undecided, " + group.label() + (group.completed() < aggregate.leastRequests()
                ? " has too few completed requests for it, " + group.completed() : " has no such figure")));
    }

    /** A ratio is judged by its interval: exceeded if all of that is beyond the limit, kept if none of it is. */
    private Finding checkRatio(SectionResult section, GroupResult group, GroupResult baseline) {
        var own = group.aggregates().get(aggregate);
        var other = baseline == null ? null : baseline.aggregates().get(aggregate);
        if (own == null || other == null) {
            return tooFew(section, own == null ? group : baseline);
        }
        if (group.definition() != baseline.definition()) {
            return new Finding(true, message(section, "undecided, " + group.label() + " and " + baseline.label()
                    + " have different definitions; one for both with --as"));
        }
        var ratio = ratio(group, own / other);
        var is = String.format(Locale.ROOT, "%s has %.2fx of %s's %s", group.label(), ratio.ratio(),
                baseline.label(), aggregate.cell(other))
                + (ratio.lower() == null || ratio.lower().equals(ratio.upper())
                ? "" : String.format(Locale.ROOT, " (%.2f to %.2f)", ratio.lower(), ratio.upper()));
        if (ratio.lower() == null) {
            return new Finding(true, message(section, "undecided, " + is + ", too few for an interval"));
        }
        if (exceeds(ratio.lower()) == exceeds(ratio.upper())) {
            return exceeds(ratio.lower()) ? new Finding(false, message(section, is)) : null;
        }
        return new Finding(true, message(section, "undecided, " + is + "; more requests may tell"));
    }

    /** Returns the ratio that the comparison has for the figure; where it has none, that of the figures, as if it were certain. */
    private QuantileRatio ratio(GroupResult group, double ofFigures) {
        var difference = aggregate == Aggregate.medianOf(aggregate.metric()) ? group.differences().get(aggregate.metric()) : null;
        if (difference != null && difference.difference().ratio() != null) {
            var found = difference.difference();
            return new QuantileRatio(found.ratio(), found.lower95(), found.upper95(), null, null, null);
        }
        return GroupResult.TAILS.containsKey(aggregate) ? group.tails().getOrDefault(aggregate,
                new QuantileRatio(ofFigures, null, null, null, null, null))
                : new QuantileRatio(ofFigures, ofFigures, ofFigures, null, null, null);
    }

    /** Returns the unit of the limit. */
    private double unitOf(GroupResult group) {
        return unit != LimitUnit.PERCENT ? 1 : aggregate == Aggregate.FAILED ? group.aggregates().get(Aggregate.N) / 100 : 0.01;
    }

    private boolean exceeds(double measured) {
        return comparator.holds(measured, value);
    }

    private String message(SectionResult section, String what) {
        return "--fail-if '" + text + "': " + (section.title().isEmpty() ? "" : section.title() + ": ") + what;
    }
}
