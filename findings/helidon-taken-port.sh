#!/usr/bin/env bash
# Helidon WebServer 4.5.0: start() on a port that another socket has returns as if it had started. No exception is thrown; the only signs
# are isRunning(), port() and the log. A program that prints its address prints port -1, and waits for ever.
#
# Needs a JDK 21 or newer (JAVA_HOME, or java) and Maven.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
  <groupId>f</groupId><artifactId>f</artifactId><version>1</version>
  <dependencies><dependency><groupId>io.helidon.webserver</groupId><artifactId>helidon-webserver</artifactId><version>4.5.0</version>
  </dependency></dependencies></project>
XML
mvn -q dependency:copy-dependencies -DoutputDirectory=lib

cat >Taken.java <<'JAVA'
import io.helidon.webserver.WebServer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.logging.Level;
import java.util.logging.Logger;

public class Taken {
    public static void main(String... args) throws Exception {
        Logger.getLogger("io.helidon").setLevel(Level.OFF); // it logs the exception
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var server = WebServer.builder().address(InetAddress.getLoopbackAddress()).port(taken.getLocalPort()).build();
            try {
                server.start();
                System.out.println("start() returned, isRunning " + server.isRunning() + ", port " + server.port());
            } catch (RuntimeException e) {
                System.out.println("start() threw " + e.getClass().getName());
            }
        }
        System.exit(0);
    }
}
JAVA
"${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp 'lib/*' Taken.java | tee seen
echo "Helidon 4.5.0"
grep -qx 'start() returned, isRunning false, port -1' seen || { echo "changed: see the line above" >&2; exit 1; }
echo "as found: start() returns although it does not listen"
