#!/usr/bin/env bash
# JLine 4.5.0 asks the terminal for its device attributes and modes when a Terminal is built, and waits 200 ms for the answer. One that comes
# later, over a slow line or from tmux on a busy machine, is read as what the user types: the first line of a program gets "[?1;2c" in it.
# TerminalBuilder.graphemeCluster(false) asks nothing.
#
# Plays a terminal that answers after 600 ms, then types "hello". Needs python3, a JDK 17 and Maven.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for artifact in jline-terminal jline-reader; do
    mvn -q dependency:copy -Dartifact=org.jline:$artifact:4.5.0 -DoutputDirectory=.
done
cat >Line.java <<'JAVA'
import org.jline.reader.LineReaderBuilder;
import org.jline.terminal.TerminalBuilder;

public class Line {
    public static void main(String... args) throws Exception {
        var builder = TerminalBuilder.builder().system(true).provider("exec");
        if (args.length > 0) {
            builder.graphemeCluster(false);
        }
        var line = LineReaderBuilder.builder().terminal(builder.build()).build().readLine("> ");
        System.out.println("READ<" + line.replace("\033", "ESC") + ">");
    }
}
JAVA
javac -cp "$(echo *.jar | tr ' ' :)" Line.java
cat >terminal.py <<'PY'
import fcntl, os, pty, re, select, struct, sys, termios, time
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execvp("java", ["java", "-cp", sys.argv[1], "Line"] + sys.argv[2:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
seen, answer_at, typed = b"", None, False
end = time.time() + 30
while time.time() < end and not re.search(rb"READ<[^>]*>", seen):
    if select.select([fd], [], [], 0.05)[0]:
        try:
            seen += os.read(fd, 4096)
        except OSError:
            break
    if b"\x1b[c" in seen and answer_at is None:
        answer_at = time.time() + 0.6
    if answer_at and time.time() > answer_at:
        os.write(fd, b"\x1b[?1;2c")
        answer_at = float("inf")
    if b"> " in seen and not typed and (b"\x1b[c" not in seen or answer_at == float("inf")):
        time.sleep(0.3) # a person types later
        os.write(fd, b"hello\r")
        typed = True
read = re.search(rb"READ<([^>]*)>", seen)
print(read.group(1).decode() if read else "nothing")
PY
classes="$(echo *.jar | tr ' ' :):."
echo "default: $(python3 terminal.py "$classes")" | tee seen
echo "graphemeCluster(false): $(python3 terminal.py "$classes" quiet)" | tee -a seen
echo "JLine 4.5.0, $(java -version 2>&1 | head -n 1)"
diff <(printf '%s\n' 'default: [?1;2chello' 'graphemeCluster(false): hello') seen || { echo "changed: see the difference" >&2; exit 1; }
echo "as found: the late answer is part of the line"
