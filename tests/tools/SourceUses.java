package stream.tools;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

import javax.lang.model.element.Element;
import javax.lang.model.element.ElementKind;
import javax.lang.model.element.TypeElement;
import javax.lang.model.util.Elements;
import javax.tools.ToolProvider;

import com.sun.source.tree.IdentifierTree;
import com.sun.source.tree.MemberReferenceTree;
import com.sun.source.tree.MemberSelectTree;
import com.sun.source.tree.NewClassTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;

/**
 * Which files and which libraries the code of each file uses, as javac resolves every name in it.
 *
 * @param files     the other files whose types or members are used, by file
 * @param libraries the names of the jars, as in okhttp-jvm-5.5.1.jar, by file
 */
public record SourceUses(Map<Path, Set<Path>> files, Map<Path, Set<String>> libraries) {

    private static final Pattern JAR = Pattern.compile("([^/\\\\(]+\\.jar)");

    /** Resolves the names in these files, which together are all that they use of the project. */
    public static SourceUses in(Collection<Path> sources) throws IOException {
        var uses = new SourceUses(new TreeMap<>(), new TreeMap<>());
        var compiler = ToolProvider.getSystemJavaCompiler();
        try (var manager = compiler.getStandardFileManager(null, null, null)) {
            var task = (JavacTask) compiler.getTask(null, manager, warning -> {},
                    List.of("-proc:none", "-XDignore.symbol.file", "-cp", System.getProperty("java.class.path")), null,
                    manager.getJavaFileObjectsFromPaths(sources));
            var units = task.parse();
            task.analyze();
            for (var unit : units) {
                var file = Path.of(unit.getSourceFile().getName());
                uses.files.put(file, new TreeSet<>());
                uses.libraries.put(file, new TreeSet<>());
                uses.new Names(file, Trees.instance(task), task.getElements()).scan(unit, null);
            }
        }
        return uses;
    }

    private final class Names extends TreePathScanner<Void, Void> {

        private final Path file;
        private final Trees trees;
        private final Elements elements;

        Names(Path file, Trees trees, Elements elements) {
            this.file = file;
            this.trees = trees;
            this.elements = elements;
        }

        @Override
        public Void visitIdentifier(IdentifierTree name, Void nothing) {
            add();
            return super.visitIdentifier(name, nothing);
        }

        @Override
        public Void visitMemberSelect(MemberSelectTree name, Void nothing) {
            add();
            return super.visitMemberSelect(name, nothing);
        }

        @Override
        public Void visitMemberReference(MemberReferenceTree name, Void nothing) {
            add();
            return super.visitMemberReference(name, nothing);
        }

        @Override
        public Void visitNewClass(NewClassTree created, Void nothing) {
            add();
            return super.visitNewClass(created, nothing);
        }

        private void add() {
            var type = outermostType(trees.getElement(getCurrentPath()));
            var path = type == null ? null : trees.getPath(type);
            if (path != null) {
                var used = Path.of(path.getCompilationUnit().getSourceFile().getName());
                if (!used.equals(file)) {
                    files.get(file).add(used);
                }
            } else if (type != null && elements.getFileObjectOf(type) instanceof Object place) {
                var jar = JAR.matcher(place.toString());
                if (jar.find()) {
                    libraries.get(file).add(jar.group(1));
                }
            }
        }

        private static TypeElement outermostType(Element element) {
            TypeElement type = null;
            for (var each = element; each != null && each.getKind() != ElementKind.PACKAGE; each = each.getEnclosingElement()) {
                type = each instanceof TypeElement outer ? outer : type;
            }
            return type;
        }
    }
}
