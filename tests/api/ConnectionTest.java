package stream.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.Protocol;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stream.fixtures.ScriptedServer;
import stream.fixtures.TestRun;
import stream.fixtures.TrustedCertificate;
import tools.jackson.databind.json.JsonMapper;

/** Headers, certificates and HTTP versions, as a server sees them. */
class ConnectionTest {

    private static final String ANSWER =
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n";
    private static final Map<String, String> SECRETS = Map.of("OPENAI_API_KEY", "sk-very-secret", "TOKEN", "token-very-secret");

    @TempDir
    Path folder;
    private final MockWebServer server = new MockWebServer();

    @BeforeEach
    void answer() {
        for (int i = 0; i < 3; i++) {
            server.enqueue(new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(ANSWER).build());
        }
    }

    @AfterEach
    void close() {
        server.close();
    }

    private TestRun run(String... more) {
        return TestRun.of(folder.resolve("results"), SECRETS, "", java.util.stream.Stream.concat(
                java.util.stream.Stream.of("--base-url", server.url("/v1").toString(), "-m", "m", "-p", "Hi", "--echo", "none"),
                java.util.stream.Stream.of(more)).toArray(String[]::new));
    }

    @Test
    void headersAreSentAndTheirValuesAreWrittenNowhere() throws Exception {
        server.start();
        var run = run("--header", "X-Token: ${TOKEN}", "--header", "X-Plain: plain-very-secret");
        assertEquals(0, run.exitCode(), run.err());
        var headers = server.takeRequest(5, TimeUnit.SECONDS).getHeaders();
        assertEquals("token-very-secret plain-very-secret Bearer sk-very-secret",
                headers.get("X-Token") + " " + headers.get("X-Plain") + " " + headers.get("Authorization"));
        for (var text : List.of(run.out(), run.err(), run.file("run.json"), run.file("events.csv"), run.file("requests.csv"))) {
            assertFalse(text.contains("very-secret"), text);
        }
        assertTrue(run.file("run.json").contains("\"X-Token: ${TOKEN}\""), "a reference is no secret");
        assertTrue(run.file("run.json").contains("\"X-Plain: (left-out)\""), run.file("run.json"));
    }

    @Test
    void aResumedRunGetsItsHeadersAgain() throws Exception {
        server.start();
        var run = run("--header=X-Plain: plain-very-secret", "--header", "X-Token: ${TOKEN}", "-n", "2");
        var requests = run.folder().resolve("requests.csv");
        var lines = Files.readAllLines(requests);
        Files.writeString(requests, lines.get(0) + "\r\n" + lines.get(1) + "\r\n"); // as if the second had been cut off
        var results = folder.resolve("results");
        var refused = TestRun.of(results, SECRETS, "", "--resume", run.folder().getFileName().toString());
        assertEquals("stream: --header 'X-Plain' has no value in run.json; give it again with --header\n", refused.err());
        var resumed = TestRun.of(results, SECRETS, "", "--resume", run.folder().getFileName().toString(),
                "--header", "X-Plain: new");
        assertEquals(0, resumed.exitCode(), resumed.err());
        assertEquals(2, resumed.requests().size());
        for (var value : List.of("plain-very-secret", "plain-very-secret", "new")) {
            var headers = server.takeRequest(5, TimeUnit.SECONDS).getHeaders();
            assertEquals(value + " token-very-secret", headers.get("X-Plain") + " " + headers.get("X-Token"));
        }
    }

    @Test
    void aCertificateOfTheUsersIsTrusted() throws Exception {
        var certificate = new HeldCertificate.Builder().addSubjectAlternativeName("localhost").build();
        server.useHttps(new HandshakeCertificates.Builder().heldCertificate(certificate).build().sslSocketFactory());
        server.start();
        assertEquals("tls", run("--retries", "0").request().get("error_type"));
        var pem = Files.writeString(folder.resolve("ca.pem"), certificate.certificatePem());
        var run = TestRun.of(folder.resolve("trusted"), SECRETS, "", "--base-url",
                server.url("/v1").toString(), "-m", "m", "-p", "Hi",
                "--ca-cert", pem.toString(), "--echo", "none");
        assertEquals("completed h2", run.request().get("status") + " " + run.request().get("http_version"), run.err());
        assertTrue(Double.parseDouble(run.request().get("tls_ms")) > 0 && Double.parseDouble(run.request().get("connect_ms")) > 0,
                run.request().toString());
    }

    /** One certificate is the user's, the others are those of the system. */
    @Test
    void theCertificatesOfTheSystemAreTrustedBesideIt() throws Exception {
        var options = new ConnectionOptions();
        options.connection = "reuse";
        options.caCert = Files.writeString(folder.resolve("ca.pem"), new HeldCertificate.Builder().build().certificatePem());
        var ofSystem = new HandshakeCertificates.Builder().addPlatformTrustedCertificates().build().trustManager()
                .getAcceptedIssuers().length;
        assertEquals(ofSystem + 1, options.settings().trust().trustManager().getAcceptedIssuers().length);
        assertTrue(ofSystem > 0);
    }

    /** The proxy is asked for the address as a whole, and the server's name need not be known here. */
    @Test
    void theProxyOfTheEnvironmentIsUsed() throws Exception {
        server.start();
        var run = TestRun.of(folder.resolve("results"),
                Map.of("HTTP_PROXY", "http://localhost:" + server.getPort(), "OPENAI_API_KEY", "k"), "", "--base-url",
                "http://models.invalid/v1", "-m", "m", "-p", "Hi", "--echo", "none", "--insecure-http");
        assertEquals(0, run.exitCode(), run.err());
        assertEquals("POST http://models.invalid/v1/chat/completions HTTP/1.1",
                server.takeRequest(5, TimeUnit.SECONDS).getRequestLine());
        assertTrue(run.err().contains("\nthrough the proxy http://localhost:" + server.getPort() + ": m\n"), run.err());
        assertEquals("http://localhost:" + server.getPort(),
                JsonMapper.shared().readTree(run.file("run.json")).at("/models/0/proxy").asString(""));
    }

    @Test
    void aProxyThatDoesNotAnswerIsNamed() throws Exception {
        var port = ScriptedServer.freePort();
        var run = TestRun.of(folder.resolve("results"),
                Map.of("HTTP_PROXY", "http://u:secret@localhost:" + port, "OPENAI_API_KEY", "k"), "", "--base-url",
                "http://models.invalid/v1", "-m", "m", "-p", "Hi", "--echo", "none", "--insecure-http", "--retries", "0");
        assertEquals("nothing answers at the proxy http://localhost:" + port, run.request().get("error"));
        assertFalse(run.err().contains("secret"), run.err());
    }

    /** The second request is the answer to the first status 407; a second status 407 ends it. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"u:pass%20word@|[null, Basic dTpwYXNzIHdvcmQ=]|completed",
            "u:other@|[null, Basic dTpvdGhlcg==]|failed",
        "''|[null]|failed"})
    void aProxyThatAsksForAUserGetsTheOneOfItsAddressOnce(String user, String authorizations, String status) throws Exception {
        var sent = new ArrayList<String>();
        server.setDispatcher(new Dispatcher() {
            @Override
            public synchronized MockResponse dispatch(RecordedRequest request) {
                var authorization = request.getHeaders().get("Proxy-Authorization");
                sent.add(authorization);
                return "Basic dTpwYXNzIHdvcmQ=".equals(authorization)
                        ? new MockResponse.Builder().addHeader("Content-Type", "text/event-stream").body(ANSWER).build()
                        : new MockResponse.Builder().code(407).addHeader("Proxy-Authenticate", "Basic realm=\"p\"").build();
            }
        });
        server.start();
        var run = TestRun.of(folder.resolve("results"),
                Map.of("HTTP_PROXY", "http://" + user + "localhost:" + server.getPort(), "OPENAI_API_KEY", "k"), "",
                "--base-url", "http://models.invalid/v1", "-m", "m", "-p", "Hi", "--echo", "none", "--insecure-http");
        assertEquals(authorizations + " " + status, sent + " " + run.request().get("status"), run.err());
        assertFalse((run.err() + run.file("run.json") + run.file("requests.csv")).contains("word"), "a password is written");
    }

    @ParameterizedTest
    @CsvSource({"nowhere.pem,no such file; name one with certificates in PEM form",
        "empty.pem,no certificate in it; name a file in PEM form"})
    void aFileWithoutCertificatesIsOneLine(String name, String line) throws Exception {
        server.start();
        Files.writeString(folder.resolve("empty.pem"), "");
        var file = folder.resolve(name);
        var run = run("--ca-cert", file.toString());
        assertEquals("stream: --ca-cert " + file + ": " + line + "\n", run.err());
        assertEquals(2, run.exitCode());
    }

    @Test
    void withoutTlsHttp2IsTakenForGrantedIfItIsAskedFor() throws Exception {
        server.setProtocols(List.of(Protocol.H2_PRIOR_KNOWLEDGE));
        server.start();
        var run = run("--http", "2", "-n", "3");
        assertEquals(List.of("h2", "h2", "h2"), run.requests().stream().map(row -> row.get("http_version")).toList(), run.err());
        assertEquals(3, server.getRequestCount());
    }

    @Test
    void withTlsTheVersionCanBeChosen() throws Exception {
        try (var trust = TrustedCertificate.forLocalhost(folder)) {
            server.useHttps(trust.certificates().sslSocketFactory());
            server.start(InetAddress.getLoopbackAddress(), 0);
            for (var version : Map.of("1.1", "http/1.1", "2", "h2").entrySet()) {
                var run = TestRun.of(folder.resolve(version.getKey()), SECRETS, "", "--base-url",
                        "https://localhost:" + server.getPort() + "/v1", "-m", "m", "-p", "Hi", "--http",
                        version.getKey(), "--echo", "none");
                assertEquals(version.getValue(), run.request().get("http_version"), run.err());
            }
        }
    }
}
