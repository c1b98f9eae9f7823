//JAVA 25+
//DEPS com.squareup.okio:okio-jvm:3.18.1

package stream.api;

import java.io.IOException;
import java.util.Set;
import java.util.zip.GZIPInputStream;

import okio.BufferedSource;
import okio.Okio;
import okio.Source;

/** Decodes a body in gzip, whose members may come one by one, as from a proxy that compresses each event by itself. */
public final class GzipMembers {

    private static final Set<String> NAMES = Set.of("gzip", "x-gzip"); // RFC 9110, section 8.4.1.3

    private GzipMembers() { }

    /** Whether a Content-Encoding, in lower case, is gzip. */
    public static boolean isNamed(String contentEncoding) {
        return NAMES.contains(contentEncoding);
    }

    /** Returns the decoded body; what a member has is there as soon as it has come. Throws IOException if it is not gzip. */
    public static Source decoded(BufferedSource body) throws IOException {
        return Okio.source(new GZIPInputStream(body.inputStream())); // Okio's own source ends with an error after the first member
    }
}
