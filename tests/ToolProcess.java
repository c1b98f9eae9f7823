package stream;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** A command in a process of its own, which can be interrupted although the process of the tests may ignore Ctrl-C, as CI starts some. */
final class ToolProcess {

    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Pattern IGNORED = Pattern.compile("(?m)^SigIgn:\\s*(\\p{XDigit}+)$");
    private static final long INTERRUPT = 1 << 1; // signal 2

    private ToolProcess() { }

    /** Returns what starts a command, given as its class and arguments. */
    static ProcessBuilder of(List<String> jvmOptions, String... command) throws IOException {
        var words = new ArrayList<String>();
        if (ignoresInterrupt()) { // a child would, too; this is of GNU coreutils
            words.addAll(List.of("env", "--default-signal=INT"));
        }
        words.addAll(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-XX:TieredStopAtLevel=1"));
        words.addAll(jvmOptions);
        words.addAll(List.of("-cp", System.getProperty("java.class.path")));
        words.addAll(List.of(command));
        var builder = new ProcessBuilder(words);
        builder.environment().remove("JAVA_TOOL_OPTIONS"); // a JVM says on standard error that it picked them up
        return builder;
    }

    private static boolean ignoresInterrupt() throws IOException {
        if (Files.notExists(STATUS)) {
            return false;
        }
        var ignored = IGNORED.matcher(Files.readString(STATUS));
        return ignored.find() && (Long.parseUnsignedLong(ignored.group(1), 16) & INTERRUPT) != 0;
    }

    /** Presses Ctrl-C. */
    static void interrupt(Process process) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-INT", String.valueOf(process.pid())).start().waitFor();
    }
}
