package stream;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;

import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;
import org.openqa.selenium.support.ui.WebDriverWait;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** One page in a Chromium without a window, driven by Selenium. */
final class Chromium implements AutoCloseable {

    private static final List<String> NAMES = List.of("chromium", "chromium-browser", "google-chrome", "chrome");
    /** Why tests are skipped. */
    static final String MISSING = "there is no Chromium with its driver here: no page is opened; apt-get install chromium chromium-driver";

    private static final Duration PATIENCE = Duration.ofSeconds(30);

    /** Selenium warns that it does not know this version's DevTools in full; held here, since loggers are weakly referenced. */
    private static final Logger DEVTOOLS = Logger.getLogger("org.openqa.selenium.devtools");

    private final ChromeDriver driver;

    /** Returns the browser of this machine; null if it, or the driver of the same version, is not there. */
    static Path installed() {
        return onPath(List.of("chromedriver")) == null ? null : onPath(NAMES);
    }

    private static Path onPath(List<String> names) {
        for (var folder : System.getenv("PATH").split(":")) {
            for (var name : names) {
                if (Files.isExecutable(Path.of(folder, name))) {
                    return Path.of(folder, name);
                }
            }
        }
        return null;
    }

    /**
     * Opens an address in a window of this size, in CSS pixels, and waits until it has loaded.
     *
     * @param arguments further ones for the browser
     */
    Chromium(String address, int width, int height, String colorScheme, String... arguments) {
        DEVTOOLS.setLevel(Level.OFF);
        var logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        var options = new ChromeOptions().setBinary(installed().toFile()).addArguments("--headless", "--no-sandbox", "--disable-gpu",
                "--hide-scrollbars", "--disable-background-networking", "--disable-component-update").addArguments(arguments);
        options.setCapability(ChromeOptions.LOGGING_PREFS, logs);
        driver = new ChromeDriver(new ChromeDriverService.Builder()
                .usingDriverExecutable(onPath(List.of("chromedriver")).toFile()).build(), options);
        resize(width, height);
        driver.executeCdpCommand("Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", colorScheme))));
        driver.get(address);
    }

    void resize(int width, int height) {
        driver.executeCdpCommand("Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    }

    void open(String address) {
        driver.get(address);
    }

    /** Opens an address in another tab, which is the current one then; returns what {@link #switchTo} takes. */
    String openTab(String address) {
        driver.switchTo().newWindow(WindowType.TAB).get(address);
        return driver.getWindowHandle();
    }

    String tab() {
        return driver.getWindowHandle();
    }

    void switchTo(String tab) {
        driver.switchTo().window(tab);
    }

    /** Closes the current tab and goes to another. */
    void closeTab(String next) {
        driver.close();
        switchTo(next);
    }

    void reload() {
        driver.navigate().refresh();
    }

    WebElement find(String selector) {
        return driver.findElement(By.cssSelector(selector));
    }

    /** Returns the value of an expression; a promise is waited for. */
    JsonNode evaluate(String expression) {
        return JsonMapper.shared().valueToTree(driver.executeScript("return (" + expression.strip() + ")"));
    }

    String text(String selector) {
        return evaluate("document.querySelector('" + selector + "').textContent").asString();
    }

    /** Waits until an expression is true. */
    void await(String condition) {
        new WebDriverWait(driver, PATIENCE, Duration.ofMillis(20)).withMessage("never true: " + condition)
                .until(unused -> evaluate("Boolean(" + condition + ")").asBoolean());
    }

    /** Presses a key, such as {@code Tab} or {@code Enter}, where the focus is. */
    void press(String key) {
        type(switch (key) {
            case "Tab" -> Keys.TAB;
            case "Enter" -> Keys.ENTER;
            case "Escape" -> Keys.ESCAPE;
            case "ArrowLeft" -> Keys.ARROW_LEFT;
            default -> key;
        });
    }

    /** Presses a key while the shift key is held. */
    void pressWithShift(Keys key) {
        new Actions(driver).keyDown(Keys.SHIFT).sendKeys(key).keyUp(Keys.SHIFT).perform();
    }

    /** Types where the focus is. */
    void type(CharSequence... keys) {
        new Actions(driver).sendKeys(keys).perform();
    }

    /** Writes a picture of the whole page. */
    void screenshot(Path file) throws Exception {
        var picture = driver.executeCdpCommand("Page.captureScreenshot", Map.of("format", "png", "captureBeyondViewport", true));
        Files.write(file, Base64.getDecoder().decode((String) picture.get("data")));
    }

    /** For people to look at: STREAM_SHOTS names the folder where pictures of the page go. */
    void shoot(String name) throws Exception {
        if (System.getenv("STREAM_SHOTS") != null) {
            screenshot(Files.createDirectories(Path.of(System.getenv("STREAM_SHOTS"))).resolve(name));
        }
    }

    /** What the page threw or wrote to the console since this was asked last. */
    List<String> complaints() {
        return driver.manage().logs().get(LogType.BROWSER).getAll().stream().map(entry -> entry.getMessage()).toList();
    }

    /** What the page asked the network for since this was asked last, itself and data inside it left out. */
    List<String> requests() {
        var others = new ArrayList<String>();
        for (var entry : driver.manage().logs().get(LogType.PERFORMANCE)) {
            var message = JsonMapper.shared().readTree(entry.getMessage()).path("message");
            if (message.path("method").asString("").equals("Network.requestWillBeSent")) {
                others.add(message.at("/params/request/url").asString(""));
            }
        }
        others.removeIf(url -> url.startsWith("file:") || url.startsWith("data:") || url.startsWith("about:"));
        return others;
    }

    @Override
    public void close() {
        driver.quit();
    }
}
