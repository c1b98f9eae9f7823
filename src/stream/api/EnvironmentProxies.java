//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1

package stream.api;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;

import okhttp3.Credentials;
import okhttp3.HttpUrl;

/**
 * The HTTP proxies that HTTPS_PROXY and HTTP_PROXY name; never one for this machine. The variables may be in lower case, too.
 * NO_PROXY is read as curl and Go read it: a list of names, each with its subdomains, and of addresses, which may have a port, and
 * of networks such as 10.0.0.0/8; {@code *} stands for all.
 */
public final class EnvironmentProxies extends ProxySelector {

    private final Map<String, String> environment;

    public EnvironmentProxies(Map<String, String> environment) {
        this.environment = environment;
    }

    /** Whether a host, an IPv6 address in brackets or not, is this machine. */
    static boolean isLoopback(String host) {
        var address = literal(host);
        return address != null ? address.isLoopbackAddress() : host.equals("localhost") || host.endsWith(".localhost");
    }

    /** Whether a host is given as an address of a private network (RFC 1918, RFC 4193) or of this link. */
    static boolean isPrivate(String host) {
        var address = literal(host);
        return address != null && (address.isSiteLocalAddress() || address.isLinkLocalAddress()
                || address.getAddress().length == 16 && (address.getAddress()[0] & 0xfe) == 0xfc);
    }

    /** Returns null if the host is a name. */
    private static InetAddress literal(String host) {
        try {
            return InetAddress.ofLiteral(host.replaceAll("[\\[\\]]", ""));
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    @Override
    public List<Proxy> select(URI uri) {
        var proxy = of(uri);
        return List.of(proxy == null ? Proxy.NO_PROXY
                : new Proxy(Proxy.Type.HTTP, new InetSocketAddress(proxy.host(), proxy.port())));
    }

    /** Returns the proxy for a server as it may be shown, without user and password; null if there is none. */
    public String shown(URI uri) {
        var proxy = of(uri);
        return proxy == null ? null : proxy.scheme() + "://" + proxy.host() + ":" + proxy.port();
    }

    private HttpUrl of(URI uri) {
        var proxy = HttpUrl.parse(variable(uri.getScheme() + "_proxy"));
        var url = HttpUrl.parse(uri.toString()); // the host of a URI is null if it has an underscore
        return proxy == null || url == null || isLoopback(url.host()) || isExcepted(url) ? null : proxy;
    }

    /** Returns what is wrong with the proxy for a server, as a message for the user; null if nothing is. */
    String problem(HttpUrl url) {
        var name = url.scheme() + "_proxy";
        var proxy = variable(name);
        var isUsed = proxy.startsWith("http://") && HttpUrl.parse(proxy) != null;
        return proxy.isEmpty() || isUsed || isLoopback(url.host()) || isExcepted(url) ? null
                : name.toUpperCase(Locale.ROOT) + " '" + proxy.replaceFirst("//.*@", "//(user)@")
                        + "': only proxies at http:// are used; name one, or add " + url.host() + " to NO_PROXY";
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {
        // the request itself fails, and says so
    }

    /** Returns the value of Proxy-Authorization for this scheme's proxy; null if its address brings no user. */
    public String authorization(String scheme) {
        var proxy = HttpUrl.parse(variable(scheme + "_proxy"));
        return proxy == null || proxy.username().isEmpty() ? null
                : Credentials.basic(proxy.username(), proxy.password());
    }

    private boolean isExcepted(HttpUrl url) {
        return Arrays.stream(variable("no_proxy").toLowerCase(Locale.ROOT).split("[,\\s]+"))
                .anyMatch(entry -> entry.equals("*") || matches(entry, url.host().replaceFirst("\\.$", ""), url.port()));
    }

    private static boolean matches(String entry, String host, int port) {
        var address = literal(host);
        var network = entry.indexOf('/');
        if (network >= 0) {
            return address != null && isIn(address, literal(entry.substring(0, network)), entry.substring(network + 1));
        }
        var isAddress = !entry.startsWith("[") && literal(entry) != null; // an IPv6 address has colons of its own
        var colon = isAddress || entry.endsWith("]") ? -1 : entry.lastIndexOf(':');
        if (colon >= 0 && !entry.substring(colon + 1).equals(String.valueOf(port))) {
            return false;
        }
        var name = colon < 0 ? entry : entry.substring(0, colon);
        if (address != null) {
            return address.equals(literal(name));
        }
        var domain = name.replaceFirst("^\\*?\\.", "").replaceFirst("\\.$", "");
        return !domain.isEmpty() && (host.equals(domain) || host.endsWith("." + domain));
    }

    private static boolean isIn(InetAddress address, InetAddress network, String prefix) {
        if (network == null || !prefix.matches("\\d{1,3}") || address.getAddress().length != network.getAddress().length) {
            return false;
        }
        var bits = Integer.parseInt(prefix);
        for (int i = 0; i < bits && i < 8 * network.getAddress().length; i++) {
            var mask = 0x80 >> i % 8;
            if ((address.getAddress()[i / 8] & mask) != (network.getAddress()[i / 8] & mask)) {
                return false;
            }
        }
        return true;
    }

    private String variable(String lowerCase) {
        var value = environment.getOrDefault(lowerCase, environment.getOrDefault(lowerCase.toUpperCase(Locale.ROOT), ""));
        return value.isEmpty() || value.contains("://") || lowerCase.startsWith("no_") ? value : "http://" + value;
    }
}
