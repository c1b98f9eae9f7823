//JAVA 25+
//SOURCES ../terminal/FileEnding.java
//SOURCES ../terminal/UserError.java

package stream.prompt;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.PatternSyntaxException;

import stream.terminal.FileEnding;
import stream.terminal.UserError;

/** Finds the prompt files that a user names: a file, a folder, a glob. */
final class PromptFiles {

    private static final Set<String> ENDINGS = new TreeSet<>(Set.of("txt", "md", "jsonl", "json", "csv", "chatml"));

    private PromptFiles() { }

    static List<Path> of(String source, List<String> notes) throws IOException {
        var path = pathOrNull(source);
        if (path != null && Files.isDirectory(path)) {
            var found = below(path, file -> true, notes);
            if (found.isEmpty()) {
                throw UserError.at(source, "no prompt files in this folder; they end in " + endings());
            }
            return found;
        }
        if (path != null && Files.exists(path)) {
            return List.of(withKnownEnding(source, path));
        }
        if (!source.matches(".*[*?\\[{].*")) {
            throw UserError.at(source, "no such file or folder" + hint(source));
        }
        PathMatcher matcher;
        try {
            matcher = FileSystems.getDefault().getPathMatcher("glob:" + source);
        } catch (PatternSyntaxException e) {
            throw UserError.at(source, "no such file, and not a glob: " + e.getDescription().toLowerCase(Locale.ROOT));
        }
        var found = below(folderAbove(source), matcher::matches, notes);
        if (found.isEmpty()) {
            throw UserError.at(source, "no prompt file matches" + hint(source));
        }
        return found;
    }

    /** Returns the name of a file, without folders; throws UserError if it does not end as prompt files do. */
    static Path named(String name) {
        var path = pathOrNull(name);
        if (path == null || path.getFileName() == null) {
            throw UserError.at(name, "not the name of a file; give it another");
        }
        return withKnownEnding(name, path.getFileName());
    }

    private static Path withKnownEnding(String source, Path path) {
        if (!ENDINGS.contains(FileEnding.of(path))) {
            throw UserError.at(source, "not a prompt file; they end in " + endings());
        }
        return path;
    }

    /** What has neither the ending of a prompt file nor a folder may be meant as the prompt itself. */
    private static String hint(String source) {
        return source.contains("/") || ENDINGS.contains(FileEnding.of(Path.of(source.replaceAll("[*?]", "x")))) ? ""
                : "; to ask it, write -p '" + source + "'";
    }

    /** Returns the files below a folder in the order of their paths; leaves out hidden ones and README.md. */
    private static List<Path> below(Path folder, Predicate<Path> wanted, List<String> notes)
            throws IOException {
        var found = new TreeSet<Path>();
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        Files.walkFileTree(folder, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path inner, BasicFileAttributes attributes) {
                var hidden = !inner.equals(folder) && inner.getFileName().toString().startsWith(".");
                return hidden ? FileVisitResult.SKIP_SUBTREE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                var name = file.getFileName().toString();
                var plainPath = folder.toString().isEmpty() || folder.toString().equals(".") ? file.normalize() : file;
                if (name.startsWith(".") || name.equalsIgnoreCase("README.md") || !wanted.test(plainPath)) {
                    return FileVisitResult.CONTINUE;
                }
                if (!Files.isRegularFile(file)) {
                    notes.add(file + ": left out, not a regular file");
                } else if (ENDINGS.contains(FileEnding.of(file))) {
                    found.add(plainPath);
                } else {
                    notes.add(file + ": left out, not a prompt file; they end in " + endings());
                }
                return FileVisitResult.CONTINUE;
            }
        });
        return List.copyOf(found);
    }

    private static Path folderAbove(String glob) {
        var fixed = glob.substring(0, glob.split("[*?\\[{]", 2)[0].lastIndexOf('/') + 1);
        return Path.of(fixed);
    }

    private static Path pathOrNull(String source) {
        try {
            return Path.of(source);
        } catch (InvalidPathException e) {
            return null;
        }
    }

    private static String endings() {
        return "." + String.join(", .", ENDINGS);
    }
}
