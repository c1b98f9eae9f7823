package stream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.WebSocket;
import okhttp3.WebSocketListener;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One page in a Chromium without a window, spoken to over its DevTools protocol
 * (https://chromedevtools.github.io/devtools-protocol).
 */
final class Chromium implements AutoCloseable {

    private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome", "chrome");
    private static final long PATIENCE_SECONDS = 30;

    private final Process process;
    private final Path profile;
    private final OkHttpClient client = new OkHttpClient();
    private final WebSocket socket;
    private final AtomicInteger ids = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
    private final List<String> complaints = new CopyOnWriteArrayList<>();
    private final List<String> asked = new CopyOnWriteArrayList<>();
    private final CompletableFuture<Void> loaded = new CompletableFuture<>();

    /** Returns the browser of this machine; null if there is none. */
    static Path installed() {
        for (var folder : System.getenv("PATH").split(":")) {
            for (var name : NAMES) {
                if (Files.isExecutable(Path.of(folder, name))) {
                    return Path.of(folder, name);
                }
            }
        }
        return null;
    }

    /** Opens a page in a window of this size, in CSS pixels, and waits until it has loaded. */
    Chromium(Path page, Path profile, int width, int height, String colorScheme) throws Exception {
        this.profile = Files.createDirectories(profile);
        process = new ProcessBuilder(installed().toString(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--remote-debugging-port=0", "--user-data-dir=" + profile, "about:blank")
                .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        socket = client.newWebSocket(new Request.Builder().url(address(profile)).build(), new Listener());
        call("Page.enable", "{}");
        call("Runtime.enable", "{}");
        call("Log.enable", "{}");
        call("Network.enable", "{}");
        call("Emulation.setDeviceMetricsOverride",
                "{\"width\": %d, \"height\": %d, \"deviceScaleFactor\": 1, \"mobile\": false}".formatted(width, height));
        call("Emulation.setEmulatedMedia",
                "{\"features\": [{\"name\": \"prefers-color-scheme\", \"value\": \"%s\"}]}".formatted(colorScheme));
        call("Page.navigate", "{\"url\": \"%s\"}".formatted(page.toUri()));
        loaded.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }

    /** The browser says in a file where it listens, as soon as it does. */
    private String address(Path profile) throws Exception {
        var file = profile.resolve("DevToolsActivePort");
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!Files.exists(file) || Files.readAllLines(file).isEmpty()) {
            if (System.nanoTime() > deadline || !process.isAlive()) {
                throw new IOException("Chromium did not start");
            }
            Thread.sleep(20);
        }
        var list = new Request.Builder().url("http://127.0.0.1:" + Files.readAllLines(file).getFirst() + "/json/list").build();
        while (true) {
            try (var response = client.newCall(list).execute()) {
                for (var target : JsonMapper.shared().readTree(response.body().string())) {
                    if (target.path("type").asString("").equals("page")) {
                        return target.get("webSocketDebuggerUrl").asString().replace("ws://", "http://");
                    }
                }
            }
            if (System.nanoTime() > deadline) {
                throw new IOException("Chromium opened no page");
            }
            Thread.sleep(20);
        }
    }

    private final class Listener extends WebSocketListener {
        @Override
        public void onMessage(WebSocket socket, String text) {
            var message = JsonMapper.shared().readTree(text);
            if (message.has("id")) {
                answers.remove(message.get("id").asInt()).complete(message);
                return;
            }
            var parameters = message.path("params");
            switch (message.path("method").asString("")) {
                case "Runtime.exceptionThrown" -> complaints.add(parameters.toString());
                case "Runtime.consoleAPICalled" -> complaints.add(parameters.toString());
                case "Log.entryAdded" -> complaints.add(parameters.toString());
                case "Network.requestWillBeSent" -> asked.add(parameters.at("/request/url").asString(""));
                case "Page.loadEventFired" -> loaded.complete(null);
                default -> { }
            }
        }

        @Override
        public void onFailure(WebSocket socket, Throwable problem, Response response) {
            loaded.completeExceptionally(problem);
            answers.values().forEach(answer -> answer.completeExceptionally(problem));
        }
    }

    private JsonNode call(String method, String parameters) throws Exception {
        var id = ids.incrementAndGet();
        var answer = new CompletableFuture<JsonNode>();
        answers.put(id, answer);
        socket.send("{\"id\": %d, \"method\": \"%s\", \"params\": %s}".formatted(id, method, parameters));
        var message = answer.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (message.has("error")) {
            throw new IOException(method + ": " + message.get("error"));
        }
        return message.get("result");
    }

    /** Returns the value of an expression; a promise is waited for. */
    JsonNode evaluate(String expression) throws Exception {
        var parameters = JsonMapper.shared().createObjectNode().put("expression", expression).put("returnByValue", true)
                .put("awaitPromise", true);
        var result = call("Runtime.evaluate", parameters.toString());
        if (result.has("exceptionDetails")) {
            throw new IOException(result.get("exceptionDetails").toString());
        }
        return result.at("/result/value");
    }

    /** Waits until an expression is true. */
    void await(String condition) throws Exception {
        var deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        while (!evaluate("Boolean(" + condition + ")").asBoolean()) {
            if (System.nanoTime() > deadline) {
                throw new IOException("never true: " + condition);
            }
            Thread.sleep(20);
        }
    }

    /** Presses a key, such as {@code Tab} or {@code Enter}, where the focus is. */
    void press(String key) throws Exception {
        var text = key.equals("Enter") ? ", \"text\": \"\\r\"" : key.equals(" ") ? ", \"text\": \" \"" : "";
        var code = switch (key) {
            case "Tab" -> 9;
            case "Enter" -> 13;
            case " " -> 32;
            case "ArrowLeft" -> 37;
            default -> throw new IllegalArgumentException(key);
        };
        for (var type : List.of("keyDown", "keyUp")) {
            call("Input.dispatchKeyEvent", "{\"type\": \"%s\", \"key\": \"%s\", \"code\": \"%s\", \"windowsVirtualKeyCode\": %d%s}"
                    .formatted(type, key, key.equals(" ") ? "Space" : key, code, type.equals("keyDown") ? text : ""));
        }
    }

    /** Writes a picture of the whole page. */
    void screenshot(Path file) throws Exception {
        Files.write(file, Base64.getDecoder().decode(call("Page.captureScreenshot",
                "{\"format\": \"png\", \"captureBeyondViewport\": true}").get("data").asString()));
    }

    /** What the page threw or wrote to the console. */
    List<String> complaints() {
        return List.copyOf(complaints);
    }

    /** What the page asked the network for, itself and data inside it left out. */
    List<String> requests() {
        var others = new ArrayList<>(asked);
        others.removeIf(url -> url.startsWith("file:") || url.startsWith("data:") || url.startsWith("about:"));
        return others;
    }

    @Override
    public void close() throws Exception {
        try {
            call("Browser.close", "{}");
        } finally {
            socket.cancel();
            client.dispatcher().executorService().shutdown();
            client.connectionPool().evictAll();
            process.descendants().forEach(ProcessHandle::destroy);
            process.destroy();
            process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }
        try (var files = Files.walk(profile)) { // it has links to elsewhere, which @TempDir would warn of
            for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }
}
