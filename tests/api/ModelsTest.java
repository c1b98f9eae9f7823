package stream.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stream.client.ModelListing;
import stream.prompt.Prompt;
import stream.terminal.UserError;
import tools.jackson.databind.json.JsonMapper;

@Execution(ExecutionMode.CONCURRENT)
class ModelsTest extends ModelCase {

    @Test
    void theDefaultsAreTheThreeModelsOnOpenAisServer() throws Exception {
        var models = models(WITH_KEY);
        assertEquals(List.of("gpt-4", "gpt-3.5-turbo", "text-davinci-003"), models.stream().map(Model::label).toList());
        assertEquals("https://api.openai.com/v1/chat/completions", models.get(0).url().toString());
        assertEquals("https://api.openai.com/v1/completions", models.get(2).url().toString());
        assertEquals(Map.of("Authorization", "Bearer sk-secret"), headers(models.get(0)));
    }

    @ParameterizedTest
    @CsvSource({"gpt-4,chat", "gpt-3.5-turbo,chat", "gpt-3.5-turbo-instruct,completions",
        "gpt-3.5-turbo-instruct-0914,completions", "text-davinci-003,completions", "davinci-002,completions",
        "babbage-002,completions", "code-davinci-002,completions", "davinci-instruct-beta,completions",
        "meta-llama/Llama-3.1-8B-Instruct,chat", "adamant-7b,chat", "gpt-5,chat"})
    void autoSendsLegacyNamesToCompletions(String name, String expected) {
        assertEquals(expected, Dialect.ofModelName(name).word());
    }

    @Test
    void aSpecGivesLabelNameAndServer() throws Exception {
        var model = one("fast=meta/llama-3@http://localhost:8000/v1", Map.of());
        assertEquals("fast", model.label());
        assertEquals("meta/llama-3", model.name());
        assertEquals("http://localhost:8000/v1/chat/completions", model.url().toString());
        assertEquals("claude@20240620", one("claude@20240620", WITH_KEY).name());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",", "a,,b", "=", "a=", "=a", "a=@http://localhost:1/v1", "a b"})
    void aSpecWithoutANameIsRefused(String spec) {
        specs = List.of(spec);
        assertTrue(problems(WITH_KEY).getFirst().endsWith("'; must be NAME, LABEL=NAME or LABEL=NAME@BASE_URL" + (spec.contains(" ")
                ? ", a name with spaces in double quotes" : "")));
    }

    /** In this order: what the user writes; label, name and server. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "@cf/meta/llama-3|@cf/meta/llama-3 @cf/meta/llama-3 null",
                "cf=@cf/meta/llama-3@http://h:1/v1|cf @cf/meta/llama-3 http://h:1/v1",
        "\"my model, v=1\"|my model, v=1 my model, v=1 null", "a=\"my model\"@https://h/v1|a my model https://h/v1",
        "claude@20240620|claude@20240620 claude@20240620 null", "m@latest|m@latest m@latest null"})
    void aNameMayBeginWithAnAtSignOrStandInQuotes(String spec, String expected) {
        var model = NamedModel.of(spec);
        assertEquals(expected, model.labelOrName() + " " + model.name() + " " + model.baseUrl());
        assertNull(model.serverWithoutScheme());
        assertEquals(List.of(spec, "b"), NamedModel.split(spec + ", b"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"localhost:8000/v1", "localhost", "127.0.0.1/v1", "gpu-box.local:8000", "[::1]:8000"})
    void aServerWithoutItsSchemeIsNotTakenForAName(String server) {
        specs = List.of("x=llama@" + server);
        assertEquals(List.of("--model 'x=llama@" + server + "'; write x=llama@http://" + server), problems(WITH_KEY));
    }

    @Test
    void aServerThatNeedsNoKeyGetsNone() throws Exception {
        for (var url : List.of("http://192.168.7.7:8000/v1", "http://10.1.2.3/v1", "http://[fd00::7]:8000/v1",
                "https://169.254.1.1/v1")) {
            baseUrl = url;
            assertEquals(Map.of(), headers(one("m", Map.of())), "a private address without a key");
            if (url.startsWith("http:")) {
                assertEquals(List.of("model m: the key would go unencrypted to " + models(Map.of()).getFirst().url().host()
                        + "; use https://, allow it with --insecure-http, or send none with --no-key"), problems(WITH_KEY));
            }
        }
        baseUrl = "http://192.0.2.2:8000/v1";
        assertEquals(List.of("no key for 192.0.2.2; set OPENAI_API_KEY, or send none with --no-key, or try it without a server, "
                + "with --simulate"),
                problems(Map.of()));
        var without = new ModelSettings(List.of("m"), null, baseUrl, "auto", false, List.of(), false, true);
        assertEquals(Map.of(), headers(ModelCatalog.of(without, WITH_KEY, ModelCatalog.Access.WITH_KEYS).models().getFirst()));
        assertTrue(without.arguments(List.of("m")).contains("--no-key"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"null", "\"\""})
    void aModelOfAFileMayBeOneWithoutAKey(String variable) throws Exception {
        baseUrl = "https://llm.example/v1";
        specs = List.of();
        var models = fromFile("[{\"name\":\"a\",\"api_key_env\":" + variable + "},{\"name\":\"b\"}]", WITH_KEY);
        assertEquals(Map.of(), headers(models.getFirst()));
        assertEquals(Map.of("Authorization", "Bearer sk-secret"), headers(models.getLast()));
    }

    /** In this order: what NO_PROXY holds, a server, whether it is reached directly. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "10.0.0.0/8|http://10.200.1.1/v1|true", "10.0.0.0/8|http://11.0.0.1/v1|false", "192.168.4.0/22|http://192.168.7.255|true",
        "192.168.4.0/22|http://192.168.8.0|false", "fd00::/8|http://[fd12::1]:8000/v1|true", "fd00::/8|http://10.0.0.1|false",
        "10.0.0.0/8|http://ten.example|false", "10.0.0.0/x|http://10.0.0.1|false", "0.0.0.0/0|http://8.8.8.8|true",
        "EXAMPLE.com|http://api.Example.COM|true", "example.com|http://notexample.com|false",
        ".example.com|http://example.com|true",
        "*.example.com|http://api.example.com|true", "example.com:8443|https://example.com:8443|true",
        "example.com:8443|https://example.com|false",
        "example.com:443|https://example.com|true", "8.8.8.8|http://8.8.8.8:99|true", "8.8.8|http://8.8.8.8|false",
        "fd12::1|http://[fd12::1]|true",
        "*|http://any.example|true", "[fd00::1]:8080|http://[fd00::1]:8080|true", "[fd00::1]:8080|http://[fd00::1]|false",
        "[fd00::1]|http://[fd00::1]:9|true", "example.com.|http://example.com|true", "example.com|http://example.com.|true",
        "gpu_box.example|http://gpu_box.example|true", "example.com|http://gpu_box.test|false",
        "other.example, 10.0.0.0/8|http://10.0.0.1|true"})
    void noProxyIsReadAsCurlAndGoReadIt(String exceptions, String url, boolean direct) {
        var proxies = new EnvironmentProxies(Map.of("HTTP_PROXY", "http://u:p@proxy.example:3128", "HTTPS_PROXY",
                "http://proxy.example:3128",
                "NO_PROXY", exceptions));
        assertEquals(direct ? null : "http://proxy.example:3128", proxies.shown(URI.create(url)));
    }

    @Test
    void aProxyThatIsNotUsedIsNamedBeforeAnythingIsSent() {
        baseUrl = "https://api.example/v1";
        var proxies = new HashMap<>(Map.of("HTTPS_PROXY", "socks5://me:se/c@ret@proxy.example:1080", "OPENAI_API_KEY", "k"));
        assertEquals(List.of("HTTPS_PROXY 'socks5://(user)@proxy.example:1080': only proxies at http:// are used; name one, or "
                + "add api.example to"
                + " NO_PROXY"), problems(proxies));
        proxies.put("NO_PROXY", "api.example");
        assertEquals(List.of("gpt-4", "gpt-3.5-turbo", "text-davinci-003"), models(proxies).stream().map(Model::name).toList());
    }

    @Test
    void aQuotedNameIsNoServer() {
        assertEquals("llama@localhost:8000", one("\"llama@localhost:8000\"", WITH_KEY).name());
    }

    @Test
    void aShortKeyIsHiddenOnlyWhereItStandsAlone() {
        var model = one("m", Map.of("OPENAI_API_KEY", "x"));
        assertEquals("proxy: (the key), key=(the key).", model.withoutSecrets("proxy: x, key=x."));
    }

    @Test
    void anAccountThatNoHeaderHoldsIsRefused() {
        assertEquals(List.of("OPENAI_ORG_ID has a character that is not allowed in a header; set it again"),
                problems(Map.of("OPENAI_API_KEY", "k", "OPENAI_ORG_ID", "\u00e9")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"sk secret", "sk\u007f", "sk\u00e9", "sk\u0000x"})
    void aKeyThatNoHeaderHoldsIsRefusedAndNotShown(String key) {
        specs = List.of("m");
        assertEquals(List.of("model m: its key has a character that is not allowed in a header; set it again"),
                problems(Map.of("OPENAI_API_KEY", key)));
        assertEquals("(a key)", new Secret(key).toString());
    }

    @Test
    void aKeyInPlaceOfItsVariableIsNotShown() throws Exception {
        file = Files.writeString(folder.resolve("m.json"),
                "[{\"name\":\"a\",\"base_url\":\"https://a.example\",\"api_key_env\":\"sk-secret\",\"extra\":[1],"
                + "\"max_tokens\":1.5}]");
        var problems = problems(WITH_KEY);
        assertEquals(3, problems.size(), problems.toString());
        assertFalse(problems.toString().contains("sk-secret"));
    }

    @Test
    void aBaseUrlThatIsNoneIsNamedByWhereItStandsWithoutItsPassword() {
        assertEquals(List.of("OPENAI_BASE_URL 'http://(user)@h:99999/v1' is not an http:// or https:// address"),
                problems(Map.of("OPENAI_API_KEY", "k", "OPENAI_BASE_URL", "http://u:SECRET@h:99999/v1")));
    }

    @Test
    void aBaseUrlWithoutAPathMeansV1() throws Exception {
        assertEquals("http://localhost:8000/v1/chat/completions", one("m@http://localhost:8000", Map.of()).url().toString());
        assertEquals("http://localhost:8000/api/chat/completions", one("m@http://localhost:8000/api/", Map.of()).url().toString());
    }

    @Test
    void theServerComesFromTheOptionElseTheEnvironment() throws Exception {
        var environment = Map.of("OPENAI_API_KEY", "k", "OPENAI_BASE_URL", "https://gateway.example/v1");
        assertEquals("https://gateway.example/v1", one("m", environment).server());
        baseUrl = "https://other.example/v1";
        assertEquals("https://other.example/v1", one("m", environment).server());
    }

    @Test
    void organisationAndProjectGoAlongWithTheKeyOnly() throws Exception {
        var environment = Map.of("OPENAI_API_KEY", "k", "OPENAI_ORG_ID", "org-1", "OPENAI_PROJECT_ID", "proj-1");
        assertEquals(Map.of("Authorization", "Bearer k", "OpenAI-Organization", "org-1", "OpenAI-Project", "proj-1"),
                headers(one("m", environment)));
        assertEquals(Map.of(), headers(one("m@http://localhost:1/v1", environment)));
    }

    @Test
    void theKeyOfTheRunsServerIsNotSentToAnother() throws Exception {
        specs = List.of("m@https://elsewhere.example/v1");
        assertEquals(List.of("model m: no key for elsewhere.example; name its variable with api_key_env in a --models"
                + " file, set --base-url and OPENAI_API_KEY, or send none with --no-key"), problems(WITH_KEY));
    }

    @ParameterizedTest
    @ValueSource(strings = {"https://llm.example:8443/v1", "https://llm.example.org/v1", "http://llm.example:443/v1"})
    void anotherPortOrSchemeOfTheRunsHostIsAnotherServer(String other) {
        baseUrl = "https://llm.example/v1";
        specs = List.of("a", "b=b@" + other);
        assertEquals(List.of("model b: no key for " + other.replaceFirst(".*//([a-z.]+).*", "$1")
                + "; name its variable with api_key_env in a --models file, set --base-url and OPENAI_API_KEY, or send none with "
                + "--no-key"), problems(WITH_KEY));
        specs = List.of("a", "b=b@https://llm.example/v1/other");
        assertEquals(Map.of("Authorization", "Bearer sk-secret"), headers(models(WITH_KEY).get(1)), "the same server");
    }

    @Test
    void limitsAndTemperatureAreThePromptsElseTheModelsElseTheRuns() throws Exception {
        var own = fromFile("[{\"name\":\"m\",\"max_tokens\":20,\"temperature\":0.2},{\"name\":\"n\"}]", WITH_KEY);
        var plain = Prompt.ofText("p", "Hi", "p");
        var limited = new Prompt("q", plain.messages(), 10, 0.1, null, Map.of(), Map.of(), "q");
        assertEquals(List.of(10, 20, 10, 200),
                List.of(own.get(0).answerLimit(limited, SAMPLING), own.get(0).answerLimit(plain, SAMPLING),
                own.get(1).answerLimit(limited, SAMPLING), own.get(1).answerLimit(plain, SAMPLING)));
        assertEquals(List.of("0.1", "0.2", "0.1", "0.0"),
                java.util.stream.Stream.of(own.get(0).body(limited, SAMPLING, UsageRequest.NONE),
                own.get(0).body(plain, SAMPLING, UsageRequest.NONE), own.get(1).body(limited, SAMPLING, UsageRequest.NONE),
                own.get(1).body(plain, SAMPLING, UsageRequest.NONE)).map(body ->
                body.replaceFirst(".*\"temperature\":([0-9.]+).*", "$1")).toList());
    }

    @Test
    void organisationAndProjectAreNotForTheKeysOfOthers() throws Exception {
        var models = fromFile("[{\"name\":\"m\",\"base_url\":\"https://other.example/v1\",\"api_key_env\":\"OTHER\"}]",
                Map.of("OTHER", "sk-other", "OPENAI_ORG_ID", "org", "OPENAI_PROJECT_ID", "project"));
        assertEquals(Map.of("Authorization", "Bearer sk-other"), headers(models.getFirst()));
    }

    @Test
    void noKeyIsOneLineThatNamesTheVariableAndTheSimulator() {
        assertEquals(List.of("no key for api.openai.com; set OPENAI_API_KEY, or send none with --no-key, or try it without a "
                + "server, with --simulate"),
                problems(Map.of()));
        assertEquals(List.of("OPENAI_API_KEY is empty; set it to the key, or unset it"), problems(Map.of("OPENAI_API_KEY", "  ")));
    }

    @Test
    void aKeyNeverGoesInTheClearToAnotherMachine() throws Exception {
        baseUrl = "http://gpu.example:8000/v1";
        specs = List.of("m");
        assertEquals(List.of("model m: the key would go unencrypted to gpu.example; use https://, allow it with"
                + " --insecure-http, or send none with --no-key"), problems(WITH_KEY));
        insecureHttp = true;
        assertEquals("Bearer sk-secret", headers(models(WITH_KEY).getFirst()).get("Authorization"));
    }

    @Test
    void aKeyWithALineEndInsideIsRefusedWithoutShowingIt() {
        baseUrl = "http://localhost:1/v1";
        var problems = problems(Map.of("OPENAI_API_KEY", "sk-sec\nret"));
        assertEquals("model gpt-4: its key has a character that is not allowed in a header; set it again", problems.getFirst());
        assertFalse(String.join("", problems).contains("sk-sec"));
    }

    @Test
    void aKeyIsNeverPartOfWhatAModelPrints() throws Exception {
        assertFalse(models(WITH_KEY).toString().contains("sk-secret"));
    }

    @Test
    void passwordsInABaseUrlAreNotShown() throws Exception {
        var model = one("m@http://user:pass@localhost:1/v1?token=t", Map.of());
        assertEquals("http://localhost:1/v1", model.server());
        assertEquals("token=t", model.url().query());
    }

    @Test
    void aModelsFileGivesEachModelItsOwnServerKeyAndParameters() throws Exception {
        var models = fromFile("""
                [ // two of them
                  {"label": "a", "name": "llama", "base_url": "https://a.example/v1", "api_key_env": "A_KEY",
                   "max_tokens": 50, "temperature": 0.7, "extra": {"top_p": 0.9}},
                  {"name": "b", "api": "responses", "base_url": "http://localhost:1/v1"},
                ]""", Map.of("A_KEY", "ka"));
        assertEquals("Bearer ka", headers(models.get(0)).get("Authorization"));
        assertEquals("A_KEY", models.get(0).keyVariable());
        assertEquals("http://localhost:1/v1/responses", models.get(1).url().toString());
        var body = JsonMapper.shared()
                .readTree(models.get(0).body(Prompt.ofText("p", "Hi", "p"), SAMPLING, UsageRequest.AT_THE_END));
        assertEquals(50, body.get("max_tokens").intValue());
        assertEquals(0.7, body.get("temperature").doubleValue());
        assertEquals(0.9, body.get("top_p").doubleValue());
    }

    @Test
    void aBadModelsFileIsNamedWithItsPlace() throws Exception {
        file = folder.resolve("models.json");
        Files.writeString(file, "[{\"name\": \"a\", \"colour\": 1, \"max_tokens\": 0, \"api\": \"soap\"}]");
        assertEquals(List.of("--models " + file + ", model 1: unknown key 'colour'; there are label, name, base_url, api,"
                        + " api_key_env, max_tokens, temperature, headers, price, think_tags, extra",
                "--models " + file + ", model 1: api 'soap'; must be one of auto, chat, completions, responses, anthropic",
                "--models " + file + ", model 1: max_tokens is 0; must be a number from 1"), problems(WITH_KEY));
        Files.writeString(file, "[\n{]");
        assertTrue(problems(WITH_KEY).getFirst().startsWith("--models " + file + ":2: not JSON: "));
        Files.writeString(file, "{}");
        assertEquals(List.of("--models " + file + ": not a list of models: [{\"name\": ...}]"), problems(WITH_KEY));
        Files.delete(file);
        assertEquals(List.of("--models " + file + ": no such file"), problems(WITH_KEY));
    }

    @Test
    void aKeyVariableThatIsNotSetIsNamed() throws Exception {
        file = Files.writeString(folder.resolve("m.json"),
                "[{\"name\":\"a\",\"base_url\":\"https://a.example/v1\",\"api_key_env\":\"A_KEY\"}]");
        assertEquals(List.of("model a: A_KEY is not set; it must hold the key for a.example"), problems(WITH_KEY));
    }

    @Test
    void twoModelsOfOneLabelAreRefused() {
        specs = List.of("a", "a");
        assertEquals(List.of("--model: two models are labelled 'a'; give one another with LABEL=NAME"), problems(WITH_KEY));
    }

    @Test
    void azureGetsItsHeaderItsPathAndItsVersion() throws Exception {
        var environment = Map.of("AZURE_OPENAI_API_KEY", "az");
        var model = one("gpt-4@https://res.openai.azure.com", environment);
        assertEquals("https://res.openai.azure.com/openai/deployments/gpt-4/chat/completions?api-version=2024-10-21",
                model.url().toString());
        assertEquals(Map.of("api-key", "az"), headers(model));
        var ofVersion = Map.of("AZURE_OPENAI_API_KEY", "az", "OPENAI_API_VERSION", "2026-01-01");
        assertEquals("2026-01-01", one("gpt-4@https://res.openai.azure.com", ofVersion).url().queryParameter("api-version"));
        assertEquals("https://res.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-01-01",
                one("m@https://res.openai.azure.com/openai/deployments/d?api-version=2025-01-01", ofVersion).url().toString());
        assertEquals("https://res.openai.azure.com/openai/v1/chat/completions",
                one("m@https://res.openai.azure.com/openai/v1", environment).url().toString());
        assertEquals("https://res.openai.azure.com/openai/models?api-version=2024-10-21", model.modelsUrl().toString());
        assertEquals("http://localhost:1/v1/models", one("m@http://localhost:1", environment).modelsUrl().toString());
    }

    @Test
    void azureIsKnownByItsPathAndItsVersionToo() throws Exception {
        var environment = Map.of("AZURE_OPENAI_API_KEY", "az");
        var gateway = one("m@https://gateway.example/openai/deployments/d?api-version=2024-10-21", environment);
        assertEquals("https://gateway.example/openai/deployments/d/chat/completions?api-version=2024-10-21",
                gateway.url().toString());
        assertEquals(Map.of("api-key", "az"), headers(gateway));
        assertEquals("https://res.openai.azure.com/openai/v1/responses?api-version=preview",
                fromFile("[{\"label\":\"r\",\"name\":\"m\",\"api\":\"responses\","
                + "\"base_url\":\"https://res.openai.azure.com/openai/v1?api-version=preview\"}]",
                        environment).getLast().url().toString());
        file = null;
        assertEquals("https://res.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
                one("m@https://res.services.ai.azure.com/models", environment).url().toString());
    }

    @Test
    void anthropicHasItsOwnServerKeyHeadersAndBody() throws Exception {
        api = "anthropic";
        var model = one("claude", Map.of("ANTHROPIC_API_KEY", "sk-ant", "OPENAI_API_KEY", "sk-secret",
                "OPENAI_BASE_URL", "http://localhost:1"));
        assertEquals("https://api.anthropic.com/v1/messages", model.url().toString());
        assertEquals(Map.of("x-api-key", "sk-ant", "anthropic-version", "2023-06-01"), headers(model));
        var prompt = Prompt.ofText("p", "Hi", "p").withSystem("Be short.");
        assertEquals("{\"model\":\"claude\",\"stream\":true,\"system\":\"Be "
                + "short.\",\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],"
                + "\"max_tokens\":200,\"temperature\":0.0}", model.body(prompt, new Sampling(200, 0, 7L), model.mostUsage()));
        assertEquals("http://localhost:2/v1/messages",
                one("claude", Map.of("ANTHROPIC_BASE_URL", "http://localhost:2")).url().toString());
        assertEquals(List.of("no key for api.anthropic.com; set ANTHROPIC_API_KEY, or send none with --no-key, or try it without "
                + "a server, with --simulate"),
                problems(WITH_KEY));
    }

    @Test
    void headersGoToTheirServerWithValuesOfTheEnvironment() throws Exception {
        headers = List.of("X-Team: blue", "X-Token: Bearer ${TOKEN}", "Authorization: mine");
        var environment = Map.of("OPENAI_API_KEY", "sk-secret", "TOKEN", "t-very-secret");
        assertEquals(Map.of("X-Team", "blue", "X-Token", "Bearer t-very-secret", "Authorization", "mine"),
                headers(one("m", environment)));
        assertEquals(Map.of(), headers(one("m=m@http://localhost:1", environment)), "another server gets none");
        var own = fromFile("[{\"label\":\"own\",\"name\":\"m\",\"base_url\":\"http://localhost:1\","
                + "\"headers\":{\"X-Own\":\"${TOKEN}\"}}]",
                environment).getLast();
        assertEquals(Map.of("X-Own", "t-very-secret"), headers(own));
        assertEquals("refused: (a header)", own.withoutSecrets("refused: t-very-secret"));
    }

    /** A shorter value is likely to be a word of the message. */
    @Test
    void aHeadersValueIsASecretFromEightCharactersOn() throws Exception {
        headers = List.of("X-A: 1234567", "X-B: abcdefgh");
        assertEquals("1234567 (a header)", one("m", WITH_KEY).withoutSecrets("1234567 abcdefgh"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"sk-a-key-and-no-colon|--header: not a name, a colon and a value; write NAME: VALUE",
        "X-A: ${NOWHERE}|--header 'X-A': NOWHERE is not set; set it to the value",
        "X-A: ${BLANK}|--header 'X-A': BLANK is not set; set it to the value",
        "X-A: a\u007f|--header 'X-A': its value has a character that is not allowed in a header; set it again",
        "Content-Length: 5|--header 'Content-Length' is set by this tool; leave it out",
        "X-A: ü|--header 'X-A': its value has a character that is not allowed in a header; set it again"})
    void aHeaderThatCannotBeSentIsOneLineWithoutItsValue(String header, String line) {
        headers = List.of(header);
        assertEquals(List.of(line), problems(Map.of("OPENAI_API_KEY", "sk-secret", "BLANK", " ")));
    }

    @ParameterizedTest
    @CsvSource({"localhost:8000/v1,write http://localhost:8000/v1 or https://localhost:8000/v1",
        "my-host,write http://my-host or https://my-host"})
    void aBaseUrlWithoutASchemeIsShownWithOne(String url, String remedy) {
        baseUrl = url;
        assertEquals(List.of("--base-url '" + url + "': " + remedy), problems(WITH_KEY));
    }

    @Test
    void azureAsTheRunsServerTakesOpenAisKeyToo() throws Exception {
        baseUrl = "https://res.openai.azure.com";
        assertEquals(Map.of("api-key", "sk-secret"), headers(one("gpt-4", WITH_KEY)));
    }

    /** No key, no cost: whatever servers a file names. */
    @Test
    void theSimulatorAnswersForAllServers() throws Exception {
        file = Files.writeString(folder.resolve("models.json"), "[{\"name\":\"m\",\"base_url\":\"https://models.example/v1\"}]");
        specs = List.of("n@https://other.example/v1");
        var models = ModelCatalog.of(new ModelSettings(specs, file, null, api, false, List.of()), WITH_KEY,
                ModelCatalog.Access.toSimulator("http://127.0.0.1:5/v1")).models();
        assertEquals(2, models.size());
        models.forEach(model -> assertEquals("127.0.0.1:5 {}",
                model.url().host() + ":" + model.url().port() + " " + headers(model)));
    }

    @ParameterizedTest
    @CsvSource({"X-Token: ${TOKEN}, X-Token: ${TOKEN}", "Authorization: Bearer ${TOKEN}, Authorization: Bearer ${TOKEN}",
        "X-Token: secret-${TOKEN}, X-Token: (left-out)", "X-Token: secret, X-Token: (left-out)"})
    void aValueIsKeptIfNothingOfItIsSecret(String header, String kept) {
        assertEquals(kept, RequestHeader.withoutValue(header));
    }

    @Test
    void aPromptThatNamesAModelThatCannotBeAskedIsAProblem() {
        var catalog = ModelCatalog.of(new ModelSettings(List.of("m"), null, null, api, false, List.of()), WITH_KEY,
                ModelCatalog.Access.WITH_KEYS);
        assertEquals("other", catalog.named("other").name());
        assertThrows(UserError.class, () -> catalog.named("a|b"));
    }

    @Test
    void proxiesComeFromTheEnvironmentAndNeverForThisMachine() {
        var proxies = new EnvironmentProxies(Map.of("HTTPS_PROXY", "http://u:p@proxy.example:3128",
                "http_proxy", "plain.example:80", "NO_PROXY", "internal.example, .corp"));
        assertEquals(new Proxy(Proxy.Type.HTTP, new InetSocketAddress("proxy.example", 3128)),
                proxies.select(URI.create("https://api.openai.com/v1")).getFirst());
        assertEquals(new Proxy(Proxy.Type.HTTP, new InetSocketAddress("plain.example", 80)),
                proxies.select(URI.create("http://api.example/v1")).getFirst());
        for (var direct : List.of("https://localhost:1/", "http://127.0.0.1:1/", "http://[::1]:1/", "https://internal.example/",
                "https://a.internal.example/", "https://x.corp/")) {
            assertEquals(Proxy.NO_PROXY, proxies.select(URI.create(direct)).getFirst(), direct);
        }
        assertEquals("Basic dTpw", proxies.authorization("https"));
        assertNull(proxies.authorization("http"));
    }

    @Test
    void theListOfAServerTellsWhichModelsAreThere() throws Exception {
        try (var server = new MockWebServer()) {
            server.start();
            server.enqueue(new MockResponse.Builder().body("{\"data\":[{\"id\":\"a\"},{\"id\":\"m\"}]}").build());
            server.enqueue(new MockResponse.Builder().body("{\"data\":[{\"id\":\"a\"}]}").build());
            server.enqueue(new MockResponse.Builder().code(404).build());
            server.enqueue(new MockResponse.Builder().body("<html>").build());
            baseUrl = server.url("/v1").toString();
            specs = List.of("m,n,o,p");
            var out = new ByteArrayOutputStream();
            assertFalse(new ModelListing(Map.of(), ConnectionSettings.DEFAULT)
                    .print(models(WITH_KEY), new PrintStream(out, true, StandardCharsets.UTF_8)));
            assertEquals(List.of("label name api server key listed", "m m chat " + baseUrl + " OPENAI_API_KEY yes",
                    "n n chat " + baseUrl + " OPENAI_API_KEY not listed; name another with --model if the server refuses it",
                    "o o chat " + baseUrl + " OPENAI_API_KEY not known, the server answers 404"),
                    out.toString(StandardCharsets.UTF_8).lines().limit(4).map(line -> line.strip().replaceAll(" +", " ")).toList());
            assertTrue(out.toString(StandardCharsets.UTF_8).contains("OPENAI_API_KEY  not known, Unexpected character"),
                    out.toString(StandardCharsets.UTF_8));
            assertEquals("Bearer sk-secret", server.takeRequest(5, TimeUnit.SECONDS).getHeaders().get("Authorization"));
            server.enqueue(new MockResponse.Builder().body("{\"data\":[{\"id\":\"m\"}]}").build());
            specs = List.of("m");
            assertTrue(new ModelListing(Map.of(), ConnectionSettings.DEFAULT).print(models(Map.of()), new PrintStream(out)));
        }
    }

    @Test
    void settingsBecomeTheOptionsThatSayTheSame() {
        var all = new ModelSettings(List.of("a, b=n", "c"), Path.of("m.json"), "http://localhost:1/v1",
                "chat", true, List.of("X: y"));
        assertEquals(List.of("-m", "a,c", "--models", "m.json", "--base-url", "http://localhost:1/v1", "--api",
                "chat", "--insecure-http",
                "--header", "X: y"), all.arguments(List.of("a", "c", "d")));
        assertEquals(List.of("-m", "gpt-4"), new ModelSettings(List.of(), null, null, "auto", false, List.of())
                .arguments(List.of("gpt-4")));
        assertEquals(List.of("--models", "m.json"),
                new ModelSettings(List.of(), Path.of("m.json"), null, "auto", false, List.of()).arguments(List.of("gpt-4")));
    }

    @Test
    void aModelThatAPromptNamesIsOnTheRunsServer() throws Exception {
        baseUrl = "http://localhost:1/v1";
        var catalog = ModelCatalog.of(new ModelSettings(List.of("m"), null, baseUrl, api, false, List.of()),
                Map.of("OPENAI_API_KEY", " k "),
                ModelCatalog.Access.WITH_KEYS);
        assertEquals("http://localhost:1/v1/chat/completions", catalog.named("other").url().toString());
        assertEquals(Set.of("warning: OPENAI_API_KEY has spaces or a line end around the key; they are left out"), catalog.notes());
    }

    @Test
    void numbersInAModelsFileHaveInclusiveLimits() throws Exception {
        var models = fromFile("[{\"name\":\"m\",\"max_tokens\":1,\"temperature\":2},{\"name\":\"n\",\"temperature\":0}]", WITH_KEY);
        assertEquals(List.of(1, 200),
                models.stream().map(model -> model.answerLimit(Prompt.ofText("p", "Hi", "p"), SAMPLING)).toList());
        var problems = assertThrows(UserError.class,
                () -> fromFile("[{\"name\":\"m\",\"max_tokens\":0},{\"name\":\"n\",\"temperature\":2.1}]",
                WITH_KEY)).problems();
        assertEquals(2, problems.size(), problems.toString());
    }
}
