"""What people have before they have label lists: folders, other tools' lists, tables; and what comes of it."""
