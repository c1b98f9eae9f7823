#!/usr/bin/env bash
# Two readers of gzip see only a part of a stream whose members come one by one, as from a proxy that compresses each event by itself, which
# RFC 1952, section 2.2, allows. java.util.zip.GZIPInputStream of JDK 17 takes it for the end if the next member has not arrived when it looks
# (it asks available()): the rest is lost without an exception; that of JDK 25 waits. Okio's GzipSource reads the first member, then throws.
#
# Sends two members with 200 ms between them through a pipe. Needs Maven and a JDK 17 as java.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mvn -q dependency:copy -Dartifact=com.squareup.okio:okio-jvm:3.18.1 -DoutputDirectory=.
mvn -q dependency:copy -Dartifact=org.jetbrains.kotlin:kotlin-stdlib:2.2.20 -DoutputDirectory=.

cat >Members.java <<'JAVA'
import java.io.ByteArrayOutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import okio.GzipSource;
import okio.Okio;

public class Members {
    static byte[] member(String text) throws Exception {
        var bytes = new ByteArrayOutputStream();
        try (var gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text.getBytes());
        }
        return bytes.toByteArray();
    }

    /** Returns what a client reads from, while the two members arrive. */
    static PipedInputStream arriving(long pauseMillis) throws Exception {
        var out = new PipedOutputStream();
        var in = new PipedInputStream(out, 1 << 16);
        new Thread(() -> {
            try (out) {
                out.write(member("first "));
                out.flush();
                Thread.sleep(pauseMillis);
                out.write(member("second"));
            } catch (Exception e) {
                // the reader has closed
            }
        }).start();
        return in;
    }

    public static void main(String... args) throws Exception {
        for (var pauseMillis : new long[] {0, 200}) {
            var in = arriving(pauseMillis);
            if (pauseMillis == 0) {
                Thread.sleep(100); // both are there
            }
            System.out.println("GZIPInputStream, " + pauseMillis + " ms between the members: " + new String(new GZIPInputStream(in).readAllBytes()));
        }
        try {
            System.out.println("GzipSource: " + Okio.buffer(new GzipSource(Okio.source(arriving(0)))).readUtf8());
        } catch (Exception e) {
            System.out.println("GzipSource: " + e);
        }
    }
}
JAVA
java -cp "$(echo *.jar | tr ' ' :)" Members.java | tee seen
echo "Okio 3.18.1, $(java -version 2>&1 | head -n 1)"
diff <(printf '%s\n' 'GZIPInputStream, 0 ms between the members: first second' 'GZIPInputStream, 200 ms between the members: first ' \
    'GzipSource: java.io.IOException: gzip finished without exhausting source') seen || { echo "changed: see the difference" >&2; exit 1; }
echo "as found: what comes later is lost, without an exception in the JDK"
