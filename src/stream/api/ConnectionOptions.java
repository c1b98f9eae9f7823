//JAVA 25+
//DEPS com.squareup.okhttp3:okhttp-tls:5.5.1
//DEPS info.picocli:picocli:4.7.7
//SOURCES ../terminal/OneLine.java
//SOURCES ../terminal/OptionChecks.java
//SOURCES ../terminal/UserError.java
//SOURCES ConnectionSettings.java
//SOURCES HttpVersion.java

package stream.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;

import okhttp3.tls.HandshakeCertificates;
import picocli.CommandLine.Option;
import stream.terminal.OneLine;
import stream.terminal.OptionChecks;
import stream.terminal.UserError;

/** The options that say how to connect, the same in every command that calls a server. */
public final class ConnectionOptions {

    @Option(names = "--ca-cert", paramLabel = "FILE", description = "Certificates to trust beside those of the system, as PEM.")
    Path caCert;

    @Option(names = "--connection", paramLabel = "reuse|new", defaultValue = "reuse",
            description = "Whether requests share connections, as most clients do, or each opens its own"
                    + " (default: ${DEFAULT-VALUE}).")
    String connection;

    @Option(names = "--http", paramLabel = "1.1|2", description = "HTTP version: 2 asks for it over TLS, and takes it for granted"
            + " over http:// (default: over TLS what the server prefers, else 1.1).")
    String httpVersion;

    /** Throws UserError if a value is not valid, or the file holds no certificate. */
    public ConnectionSettings settings() {
        new OptionChecks().oneOf("--connection", connection, "reuse", "new")
                .require(httpVersion == null || HttpVersion.of(httpVersion) != null,
                        "--http '" + httpVersion + "'; must be one of " + HttpVersion.words()).throwIfAny();
        return new ConnectionSettings(connection.equals("reuse"), HttpVersion.of(httpVersion),
                caCert == null ? null : certificates());
    }

    private HandshakeCertificates certificates() {
        try (var file = Files.newInputStream(caCert)) {
            var all = new HandshakeCertificates.Builder().addPlatformTrustedCertificates();
            var found = CertificateFactory.getInstance("X.509").generateCertificates(file);
            new OptionChecks().require(!found.isEmpty(), "--ca-cert " + caCert + ": no certificate in it; name a file in PEM form")
                    .throwIfAny();
            found.forEach(certificate -> all.addTrustedCertificate((X509Certificate) certificate));
            return all.build();
        } catch (NoSuchFileException e) {
            throw new UserError("--ca-cert " + caCert + ": no such file; name one with certificates in PEM form");
        } catch (IOException | CertificateException e) {
            throw new UserError("--ca-cert " + caCert + ": not certificates in PEM form ("
                    + OneLine.firstOf(String.valueOf(e.getMessage()))
                    + ")");
        }
    }
}
