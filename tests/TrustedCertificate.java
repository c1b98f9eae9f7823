package stream;

import java.io.FileOutputStream;
import java.nio.file.Path;
import java.security.KeyStore;

import javax.net.ssl.SSLServerSocketFactory;

import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;

/** A certificate for localhost that this JVM trusts until it is closed. */
final class TrustedCertificate implements AutoCloseable {

    private final HandshakeCertificates certificates;

    private TrustedCertificate(HandshakeCertificates certificates) {
        this.certificates = certificates;
    }

    static TrustedCertificate forLocalhost(Path folder) throws Exception {
        var certificate = new HeldCertificate.Builder().addSubjectAlternativeName("localhost").build();
        var trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        trusted.setCertificateEntry("test", certificate.certificate());
        try (var file = new FileOutputStream(folder.resolve("trusted.p12").toFile())) {
            trusted.store(file, "secret".toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", folder.resolve("trusted.p12").toString());
        System.setProperty("javax.net.ssl.trustStorePassword", "secret");
        return new TrustedCertificate(new HandshakeCertificates.Builder().heldCertificate(certificate).build());
    }

    HandshakeCertificates certificates() {
        return certificates;
    }

    SSLServerSocketFactory serverSocketFactory() {
        return certificates.sslContext().getServerSocketFactory() instanceof SSLServerSocketFactory factory ? factory : null;
    }

    @Override
    public void close() {
        System.clearProperty("javax.net.ssl.trustStore");
        System.clearProperty("javax.net.ssl.trustStorePassword");
    }
}
