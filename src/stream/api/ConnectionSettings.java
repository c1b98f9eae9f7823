//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-jvm:5.5.1
//DEPS com.squareup.okhttp3:okhttp-tls:5.5.1
//SOURCES HttpVersion.java

package stream.api;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.tls.HandshakeCertificates;

/**
 * How connections to the servers are made.
 *
 * @param reuse       whether a request may be sent on a connection that another one has opened
 * @param httpVersion null for what the server prefers
 * @param trust       certificates to trust beside those of the system; null for none
 */
public record ConnectionSettings(boolean reuse, HttpVersion httpVersion, HandshakeCertificates trust) {

    public static final ConnectionSettings DEFAULT = new ConnectionSettings(true, null, null);

    /** Returns the words of a command line that set the same, without certificates to trust. */
    public List<String> arguments() {
        var words = new ArrayList<>(List.of("--connection", reuse ? "reuse" : "new"));
        if (httpVersion != null) {
            words.addAll(List.of("--http", httpVersion.word()));
        }
        return words;
    }

    /** Returns the settings by the names that they have in run.json. */
    public Map<String, Object> options() {
        var options = new LinkedHashMap<String, Object>();
        options.put("connection", reuse ? "reuse" : "new");
        options.put("http", httpVersion == null ? null : httpVersion.word());
        return options;
    }

    /** Returns the protocols over TLS, which the server chooses from. */
    public List<Protocol> protocols() {
        return httpVersion == HttpVersion.HTTP_1_1 ? List.of(Protocol.HTTP_1_1) : List.of(Protocol.HTTP_2, Protocol.HTTP_1_1);
    }

    /** Returns the protocols without TLS, where there is no choice. */
    public List<Protocol> plainProtocols() {
        return List.of(httpVersion == HttpVersion.HTTP_2 ? Protocol.H2_PRIOR_KNOWLEDGE : Protocol.HTTP_1_1);
    }

    public OkHttpClient.Builder trusting(OkHttpClient.Builder client) {
        return trust == null ? client : client.sslSocketFactory(trust.sslSocketFactory(), trust.trustManager());
    }
}
