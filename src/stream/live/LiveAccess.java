//JAVA 25+

package stream.live;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;

/**
 * Who may use the page: whoever knows the token of this start. A browser shows it once, in the address, and gets a cookie and a
 * key for it. The cookie is sent to every server of this machine, since cookies do not know ports; the key, which the page keeps
 * for its own origin, is sent to this one alone. Safe for use by several threads.
 */
final class LiveAccess {

    private static final int TOKEN_BYTES = 24;

    private final String token = random();
    private final String cookie = random();
    private final String key = random();
    private final List<String> hosts;
    private final String cookieName;

    LiveAccess(int port) {
        this.hosts = List.of("127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port);
        this.cookieName = "stream-live-" + port; // cookies of a host are shared by its ports
    }

    private static String random() {
        var bytes = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    String token() {
        return token;
    }

    /** Whether the token is that of this start; compared in a time that tells nothing of it. */
    boolean isToken(String given) {
        return same(token, given);
    }

    /** Returns the header that gives a browser its cookie. */
    String setCookie() {
        return cookieName + "=" + cookie + "; Path=/; HttpOnly; SameSite=Strict";
    }

    String cookieName() {
        return cookieName;
    }

    String key() {
        return key;
    }

    boolean isKey(String given) {
        return same(key, given);
    }

    boolean isCookie(String given) {
        return same(cookie, given);
    }

    private static boolean same(String expected, String given) {
        return MessageDigest.isEqual(expected.getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8));
    }

    /** Whether a request names this server, and not a name of another site that was made to lead here. */
    boolean isHost(String host) {
        return hosts.contains(host);
    }

    /** Whether a page of this server sends the request. */
    boolean isOrigin(String origin) {
        return hosts.stream().anyMatch(host -> origin.equals("http://" + host));
    }
}
