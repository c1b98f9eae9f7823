//JAVA 25+
//DEPS tools.jackson.core:jackson-databind:3.2.4
//SOURCES Usage.java

package stream.api;

import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Currency;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a server charges for a model, in one currency for a million tokens; never negative.
 *
 * @param input       for tokens of the prompt
 * @param cachedInput for tokens of the prompt that the server had in its cache
 * @param output      for output tokens, which include reasoning
 * @param currency    ISO 4217, such as USD
 */
public record Price(BigDecimal input, BigDecimal cachedInput, BigDecimal output, String currency) {

    private static final int MILLION = 6; // as a power of ten
    private static final Set<String> KEYS = new LinkedHashSet<>(List.of("input", "cached_input", "output", "currency"));

    /** Reads a price as the user, or run.json, has it; each problem that is found is passed on, and null returned. */
    public static Price of(JsonNode json, Consumer<String> problems) {
        var found = new ArrayList<String>();
        if (!json.isObject()) {
            problems.accept("price is " + json + "; write {\"input\": 1.25, \"output\": 10, \"currency\": \"USD\"}");
            return null;
        }
        json.propertyNames().stream().filter(key -> !KEYS.contains(key)).forEach(key ->
                found.add("price has an unknown key '" + key + "'; there are " + String.join(", ", KEYS)));
        var input = amount(json, "input", found);
        var output = amount(json, "output", found);
        var cachedInput = json.has("cached_input") ? amount(json, "cached_input", found) : input;
        var currency = json.path("currency").asString("");
        if (Currency.getAvailableCurrencies().stream().noneMatch(known -> known.getCurrencyCode().equals(currency))) {
            found.add("price.currency is '" + currency + "'; must be a code of ISO 4217, such as USD");
        }
        found.forEach(problems);
        return found.isEmpty() ? new Price(input, cachedInput, output, currency) : null;
    }

    private static BigDecimal amount(JsonNode json, String key, List<String> problems) {
        var amount = json.path(key);
        if (!amount.isNumber() || !Double.isFinite(amount.doubleValue()) || amount.decimalValue().signum() < 0) {
            problems.add("price." + key + " is " + (json.has(key) ? amount : "missing")
                    + "; must be a number, at least 0: what a million tokens cost");
            return null;
        }
        return amount.decimalValue();
    }

    /**
     * Returns the exact cost of an answer; null if the server did not count both its prompt and its output. Tokens of the prompt
     * are taken as not cached where the server does not say.
     */
    public BigDecimal cost(Usage usage) {
        if (usage.promptTokens() == null || usage.outputTokens() == null) {
            return null;
        }
        var cached = Math.min(usage.promptTokens(), Objects.requireNonNullElse(usage.cachedPromptTokens(), 0));
        return perMillion(input.multiply(BigDecimal.valueOf(usage.promptTokens() - cached))
                .add(cachedInput.multiply(BigDecimal.valueOf(cached)))
                .add(output.multiply(BigDecimal.valueOf(usage.outputTokens()))));
    }

    /** Returns the most that these tokens can cost. */
    public BigDecimal most(long promptTokens, long outputTokens) {
        return perMillion(input.max(cachedInput).multiply(BigDecimal.valueOf(promptTokens))
                .add(output.multiply(BigDecimal.valueOf(outputTokens))));
    }

    private static BigDecimal perMillion(BigDecimal sum) {
        return sum.scaleByPowerOfTen(-MILLION);
    }

    /** Returns an amount to four significant digits. */
    public static String shown(BigDecimal amount) {
        return plain(amount.round(new MathContext(4)));
    }

    /** Returns all digits of an amount, without an exponent. */
    public static String plain(BigDecimal amount) {
        return amount.stripTrailingZeros().toPlainString();
    }

    public ObjectNode json() {
        return JsonNodeFactory.instance.objectNode().put("input", input).put("cached_input", cachedInput).put("output", output)
                .put("currency", currency);
    }
}
