"""What the documents say: their commands run, their links lead somewhere, the manual names every setting, and nothing of the machine
they were written on is left in the project."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from project import ROOT, ProjectCase, checks, files, lines_with, text

sys.path.insert(0, str(ROOT / "tests/service"))
from service_case import Service  # noqa: E402

BUILD = Path(os.environ.get("ASSAY_BUILD") or "build/test").resolve()
DOCUMENTS = sorted([p for p in files() if p.suffix == ".md"])
BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)


def verbs_of_dev():
    """As `dev` takes them, and as it explains them."""
    code = text(ROOT / "dev")
    return set(re.findall(r"^(\w+)\) verb_\w+", code, re.M)) | {"help"}


@unittest.skipUnless((BUILD / "src/service/assayd").exists(), f"no build in {BUILD.name}: ./dev test makes one")
@unittest.skipUnless(shutil.which("curl"), "no curl")
class Commands(ProjectCase):
    """Blocks marked `sh test` run as they stand, those of one document in one shell, beside a service as `./dev run` leaves it."""

    @classmethod
    def setUpClass(cls):
        cls.service = Service()
        cls.addClassCleanup(cls.service.remove)

    def run_document(self, path):
        blocks = [body for mark, body in BLOCK.findall(text(path)) if mark.split() == ["sh", "test"]]
        folder = Path(tempfile.mkdtemp(prefix="assay-docs-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        (folder / "build").mkdir()
        (folder / "build/release").symlink_to(BUILD)
        shutil.copytree(Path(self.service.folder) / "state", folder / "state")
        env = {k: v for k, v in os.environ.items() if k not in ("ASSAY_TOKEN", "ASSAY_URL", "ASSAY_ARM_URL", "NODE_EXTRA_CA_CERTS", "NODE_OPTIONS", "CURL_CA_BUNDLE")}
        env["PATH"] = f"{folder}/build/release/src/cli:{env['PATH']}"
        run = subprocess.run(["sh", "-eu", "-c", ". state/dev.env\n" + "\n".join(blocks)], cwd=folder, env=env, capture_output=True, text=True,
                             timeout=300, check=False)
        self.assertEqual(0, run.returncode, f"{path.name}:\n{run.stdout[-3000:]}\n{run.stderr[-3000:]}")
        self.assertNotIn("Sanitizer", run.stderr)
        return len(blocks), run.stdout

    def test_every_document(self):
        seen = 0
        for path in DOCUMENTS:
            with self.subTest(path.relative_to(ROOT).as_posix()):
                seen += self.run_document(path)[0]
        self.assertGreaterEqual(seen, 4)

    def test_the_readme_ends_with_a_token_that_verifies(self):
        output = self.run_document(ROOT / "README.md")[1]
        self.assertIn("x-ms-attestation-type", output)
        self.assertIn("refused, as it must be", output)


class Documents(ProjectCase):
    def test_links_lead_somewhere(self):
        found = []
        for path in DOCUMENTS:
            for target in re.findall(r"\]\(([^)#\s]+)\)", text(path)):
                if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
                    found.append(f"{path.relative_to(ROOT)}: {target}")
        self.none(found, "links to nothing:")

    def test_verbs_of_dev_exist(self):
        known = verbs_of_dev()
        found = [f"{p.relative_to(ROOT)}: ./dev {verb}" for p in DOCUMENTS for verb in re.findall(r"\./dev ([a-z]+)\b", text(p)) if verb not in known]
        self.none(found, "verbs that ./dev does not know:")

    def test_the_readme_sets_up_with_two_commands(self):
        section = re.search(r"^## Set up\n(.*?)^## ", text(ROOT / "README.md"), re.M | re.S).group(1)
        commands = re.findall(r"^    (\S+ \S+)", section, re.M)
        self.assertEqual(["./dev run", "./dev test"], commands)

    def test_files_that_a_project_has(self):
        for name in ("README.md", "LICENSE", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/decisions.md"):
            self.assertGreater(len(text(ROOT / name)), 500, name)
        self.assertIn("Apache License", text(ROOT / "LICENSE"))

    def test_source_files_that_documents_name_exist(self):
        found = [f"{p.relative_to(ROOT)}: {name}" for p in DOCUMENTS for name in re.findall(r"`((?:src|tests|fuzz|docs|tools|bench)/[\w./-]+)`", text(p))
                 if not (ROOT / name).exists() and not re.search(r"MODULE|WORD", name)]
        self.none(found, "files that are not there:")


class Manual(ProjectCase):
    PAGES = sorted((ROOT / "docs/man").glob("*.[1-8]"))

    def test_every_setting_is_explained(self):
        page = text(ROOT / "docs/man/assayd.conf.5")
        code = text(ROOT / "src/service/config.c")
        code += text(ROOT / "src/service/config_sign_in.c")
        names = re.findall(r'^    \{"(\w+(?: NAME)?)", "(\w+)",', code, re.M)
        self.assertGreater(len(names), 15)
        for section, name in names:
            part = re.search(rf"^\.Ss \[{section}\]\n(.*?)(?=^\.S[sh] )", page, re.M | re.S)
            self.assertTrue(part, section)
            self.assertRegex(part.group(1), rf"(?m)^\.It Cm (?:.* )?{name}\b", f"[{section}] {name}")

    def test_every_program_has_its_page(self):
        for name in ("assay.1", "assay-witness.1", "assayd.8", "assayd.conf.5"):
            self.assertTrue((ROOT / "docs/man" / name).is_file(), name)

    def test_every_page_is_installed(self):
        builds = "".join(text(p) for p in files() if p.name == "meson.build")
        for page in self.PAGES:
            tail = re.sub(r"^assay(-\w+)?\.1$", r"\1", page.name)
            self.assertTrue(f"man/{page.name}'" in builds or f"'{tail}'" in builds, page.name)

    @unittest.skipUnless((BUILD / "tools/assay-checks.7").exists(), f"no build in {BUILD.name}")
    def test_the_page_of_checks_names_every_check(self):
        page = text(BUILD / "tools/assay-checks.7")
        for _, name, form, *_ in checks():
            self.assertIn(f".It Sy {name} Pq {form.lower()}\n", page)
        self.assertIn(".Sh WHAT IS NOT CHECKED\n", page)

    @unittest.skipUnless(shutil.which("mandoc"), "no mandoc")
    def test_pages_are_well_formed(self):
        pages = self.PAGES + [p for p in [BUILD / "tools/assay-checks.7"] if p.exists()]
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", *pages], capture_output=True, text=True, check=False)
        self.assertEqual("", lint.stdout + lint.stderr)


class Clean(ProjectCase):
    """Patterns are put together, so that this file does not hold what it looks for."""

    def test_no_paths_of_a_machine(self):
        folders = "|".join(("home/[a-z]", "root/", "Users/", "work/"))
        pattern = rf"(?<![\w.$}}])/(?:{folders})"
        self.none([line for p in files() if p.name != "LICENSE" for line in lines_with(p, pattern)], "paths of somebody's machine:")

    def test_no_addresses_of_registries(self):
        hosts = "|".join(name.replace("_", r"\.") for name in ("registry_", "npmjs_", "pypi_", "pythonhosted_", "crates_io", "deb_debian"))
        self.none([line for p in files() for line in lines_with(p, rf"https?://[\w.-]*(?:{hosts})")], "addresses of package registries:")

    def test_lock_files_name_no_source(self):
        found = [line for p in files() if p.name in ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock")
                 for line in lines_with(p, r'"?resolved"?[: ]')]
        self.none(found, "lock files that say where packages came from:")

    def test_nothing_is_left_to_do(self):
        pattern = r"\b(%s)\b" % "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"))
        self.none([line for p in files() if p.name != "LICENSE" for line in lines_with(p, pattern)], "marks of unfinished work:")

    def test_shell_scripts_parse(self):
        for path in files():
            first = path.read_bytes()[:64].split(b"\n")[0]
            if first.startswith(b"#!") and first.endswith((b"/sh", b"bash")):
                shell = "bash" if first.endswith(b"bash") else "sh"
                with self.subTest(path.relative_to(ROOT).as_posix()):
                    done = subprocess.run([shell, "-n", path], capture_output=True, text=True, check=False)
                    self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_dev_explains_every_verb(self):
        helped = subprocess.run(["sh", ROOT / "dev", "help"], capture_output=True, text=True, check=True).stdout
        explained = set(re.findall(r"^  (\w+)\b", helped, re.M))
        self.assertEqual(verbs_of_dev(), explained)


if __name__ == "__main__":
    unittest.main()
